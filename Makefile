.PHONY: demo test lint bench fuzz images clean soak oldest

demo: ; go run ./cmd/rwsplit demo
test: ; ci/test.sh
lint: ; ci/lint.sh
bench: ; ci/bench.sh
fuzz: ; ci/fuzz.sh
soak: ; ci/soak.sh
oldest: ; ci/oldest.sh
images: ; ci/images.sh
clean: ; ci/clean.sh
