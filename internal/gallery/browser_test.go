package gallery

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// browse returns the document that Chromium makes of dir/index.html after the
// scripts ran, and how long that took. It skips the test if there is no
// Chromium, unless MORTON_BROWSER=required.
func browse(t *testing.T, dir string, flags ...string) (html string, took time.Duration) {
	t.Helper()
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		missing := t.Skipf
		if os.Getenv("MORTON_BROWSER") == "required" {
			missing = t.Fatalf
		}
		missing("the page was not opened in a browser: %v; MORTON_BROWSER=required makes this fail", err)
	}
	page := url.URL{Scheme: "file", Path: filepath.ToSlash(dir) + "/index.html"}
	args := append([]string{
		"--headless", "--no-sandbox", "--disable-gpu", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run", "--user-data-dir=" + t.TempDir(),
		"--window-size=1300,1000", "--virtual-time-budget=5000", "--dump-dom",
	}, append(flags, page.String())...)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	start := time.Now()
	out, err := exec.CommandContext(ctx, chromium, args...).Output()
	if err != nil {
		t.Fatalf("chromium: %v", err)
	}
	return scriptText.ReplaceAllString(string(out), ""), time.Since(start)
}

var drawn = regexp.MustCompile(`class="frame drawn"`)

// TestDrawn opens a page of 300 results: those in view must be drawn, and the
// others not even loaded.
func TestDrawn(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a browser")
	}
	dir, _ := written(t, manyItems(300))
	html, took := browse(t, dir)
	for range 2 { // on a busy machine the virtual time can run out before the browser's GPU process is up
		if drawn.MatchString(html) {
			break
		}
		html, took = browse(t, dir)
	}
	if n := len(drawn.FindAllString(html, -1)); n < 4 || n > 100 {
		t.Errorf("%d of 400 meshes drawn, want those in view", n)
	}
	if n := strings.Count(html, `src="gallery/`); n < 2 || n > 50 {
		t.Errorf("%d of 200 scripts loaded", n)
	}
	if took > 30*time.Second {
		t.Errorf("opened in %v", took)
	}
	t.Logf("opened the first of two pages in %v, %d meshes drawn", took, len(drawn.FindAllString(html, -1)))
}

// TestWithoutWebGL: the page says so, and keeps its links.
func TestWithoutWebGL(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a browser")
	}
	dir, _ := written(t, smallPage())
	html, _ := browse(t, dir, "--disable-3d-apis")
	if strings.Contains(html, "<canvas") || drawn.MatchString(html) {
		t.Error("a canvas is left")
	}
	if !strings.Contains(html, `<p class="notice" id="no-webgl">`) || !strings.Contains(html, `href="./roof.glb"`) {
		t.Errorf("no message or no link in\n%s", html)
	}
}

// TestLostGeometry: a script that is gone leaves a message, not a blank.
func TestLostGeometry(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a browser")
	}
	dir, _ := written(t, smallPage())
	if err := os.RemoveAll(filepath.Join(dir, geometryFolder)); err != nil {
		t.Fatal(err)
	}
	if html, _ := browse(t, dir); !strings.Contains(html, "was not found beside the page") {
		t.Errorf("no message in\n%s", html)
	}
}

// TestByKeyboard has tools/gallery/check.mjs work pages by the keyboard, and axe-core judge
// them: one of everything, and 10,000 results. In exhaustive tests these are 100,000, and
// pages must open in two seconds, which takes a machine without other work.
func TestByKeyboard(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a browser")
	}
	missing := t.Skipf
	if os.Getenv("MORTON_BROWSER") == "required" {
		missing = t.Fatalf
	}
	tool := filepath.Join("..", "..", "tools", "gallery")
	node, err := exec.LookPath("node")
	if _, merr := os.Stat(filepath.Join(tool, "node_modules", "axe-core")); err != nil || merr != nil {
		missing("the page was not worked by the keyboard: %v; run npm ci in tools/gallery; MORTON_BROWSER=required makes this fail", errors.Join(err, merr))
	}
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		missing("the page was not worked by the keyboard: %v", err)
	}
	many := manyItems(1000)
	linked, within := 9_000, "15000"
	if os.Getenv("MORTON_TEST") == "all" {
		linked, within = 99_000, "2000"
	}
	for i := range linked {
		many.Items = append(many.Items, Item{ID: fmt.Sprintf("linked-%05d", i), Family: Quads, Result: "b.glb", OBJ: "b.obj", Seed: uint64(i), Seconds: 1, Notes: []string{"a note"}[:i%2]})
	}
	for i := range 1000 {
		many.Failures = append(many.Failures, Failure{Input: fmt.Sprint(i, ".obj"), Stage: "decode", Kind: "corrupt", Message: "a face without corners"})
	}
	for name, p := range map[string]Page{"small": smallPage(), "images": imagePage(), "many": many} {
		t.Run(name, func(t *testing.T) {
			dir, _ := written(t, p)
			ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
			defer cancel()
			out, err := exec.CommandContext(ctx, node, filepath.Join(tool, "check.mjs"), dir, chromium, within).CombinedOutput()
			t.Logf("%s", out)
			if err != nil {
				t.Error(err)
			}
		})
	}
}
