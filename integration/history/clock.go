package history

import (
	"fmt"
	"os"
	"sync/atomic"
	"syscall"
	"unsafe"
)

// Clock orders events, also those of several processes of one machine: what
// ended before something else began has the smaller number. It is a counter in
// memory that the processes share, so it needs no trust in any clock.
type Clock struct{ now *atomic.Int64 }

// OpenClock returns the clock that lives in a file: everybody who opens the
// same file shares it. The memory stays mapped until the process ends.
func OpenClock(f *os.File) (*Clock, error) {
	const size = 8
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("history: clock: %w", err)
	}
	if info.Size() < size {
		if err := f.Truncate(size); err != nil {
			return nil, fmt.Errorf("history: clock: %w", err)
		}
	}
	b, err := syscall.Mmap(int(f.Fd()), 0, size, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("history: clock: %w", err)
	}
	// Mapped memory is aligned to pages, and the counter is eight bytes.
	return &Clock{(*atomic.Int64)(unsafe.Pointer(&b[0]))}, nil
}

// Tick returns the next moment. No two events have the same one.
func (c *Clock) Tick() int64 { return c.now.Add(1) }
