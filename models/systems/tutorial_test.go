package systems_test

import (
	"os"
	"strings"
	"testing"
)

// TestTutorialQuotes checks that the tutorial shows the code that runs, and its output.
func TestTutorialQuotes(t *testing.T) {
	page := string(must(os.ReadFile("../../docs/tutorial/new-system.md"))(t))
	code := string(must(os.ReadFile("example_test.go"))(t))
	quotes := 0
	for i, block := range strings.Split(page, "```") {
		quote, isGo := strings.CutPrefix(block, "go\n")
		if i%2 == 0 || !isGo {
			continue
		}
		quotes++
		if !strings.Contains(code, quote) {
			t.Errorf("no such code in example_test.go:\n%s", quote)
		}
	}
	if quotes < 10 {
		t.Errorf("%d pieces of code are quoted, want all of them", quotes)
	}
	_, output, _ := strings.Cut(code, "// Output:\n\t// ")
	output, _, _ = strings.Cut(output, "\n}")
	if output = strings.ReplaceAll(output, "\n\t// ", "\n"); !strings.Contains(page, output) {
		t.Errorf("the tutorial does not show this output:\n%s", output)
	}
}
