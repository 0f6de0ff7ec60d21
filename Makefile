.PHONY: demo test lint bench fuzz images clean

demo: ; go run ./cmd/rwsplit demo
test: ; ci/test.sh
lint: ; ci/lint.sh
bench: ; ci/bench.sh
fuzz: ; ci/fuzz.sh
images: ; ci/images.sh
clean: ; ci/clean.sh
