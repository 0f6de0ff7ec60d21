package rwsplit

import (
	"sync"
	"testing"
	"time"
)

func TestMarkStopsBeforeTheOldestOpenWrite(t *testing.T) {
	w := newWrites()
	var a, b openWrite
	w.register(&a)
	w.register(&b)
	steps := []struct {
		name string
		do   func()
		want uint64
	}{
		{"at the start", func() {}, 1},
		{"one has ended", func() { w.ended() }, 2},
		{"a is open", func() { a.begin() }, 2},
		{"another one has ended", func() { w.ended() }, 2},
		{"b is open, too", func() { b.begin() }, 2},
		{"a is sent again: still open", func() { a.begin() }, 2},
		{"a has ended", func() { a.end() }, 4},
		{"a in doubt", func() { w.doubtful(time.Now().Add(time.Hour)) }, 4},
		{"b has ended", func() { b.end() }, 6},
		{"b ends twice", func() { b.end() }, 6},
	}
	for _, step := range steps {
		step.do()
		if got := w.mark(); got != step.want {
			t.Errorf("%s: got mark %d, want %d", step.name, got, step.want)
		}
	}
	if w.doubt.left() < 50*time.Minute {
		t.Error("the doubt was forgotten")
	}
	a.begin()
	w.unregister(&a)
	if got := w.mark(); got != w.counter.Load() {
		t.Errorf("a slot that is gone holds back %d at %d", w.counter.Load(), got)
	}
}

// Whoever has seen a number of an open write finds it open, or ended.
func TestMarkNeverPassesAnOpenWrite(t *testing.T) {
	w := newWrites()
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			var o openWrite
			w.register(&o)
			defer w.unregister(&o)
			for range 5000 {
				n := o.begin()
				if got := w.mark(); got >= n {
					t.Errorf("mark %d covers the open write %d", got, n)
					return
				}
				w.ended()
				if got := w.mark(); got >= n {
					t.Errorf("mark %d covers the open write %d", got, n)
					return
				}
				o.end()
			}
		})
	}
	wg.Wait()
	if got := w.mark(); got != w.counter.Load() {
		t.Errorf("all have ended: got mark %d, want %d", got, w.counter.Load())
	}
}
