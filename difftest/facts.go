package difftest

// Verdict is what a parse tree says about a text.
type Verdict uint8

const (
	// Unknown: the tree neither proves a plain read nor something unsafe.
	Unknown Verdict = iota
	// Plain: the tree is a plain read, and nothing but.
	Plain
	// Unsafe: a replica must not see the text.
	Unsafe
)

// Facts are what a parse tree says, and why.
type Facts struct {
	Verdict Verdict
	Why     string
}

func (f *Facts) unsafe(why string) {
	if f.Verdict != Unsafe {
		f.Verdict, f.Why = Unsafe, why
	}
}

func (f *Facts) unknown(why string) {
	if f.Verdict == Plain {
		f.Verdict, f.Why = Unknown, why
	}
}
