package gallery

import (
	"cmp"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "rewrite testdata/*.golden.html")

// pyramid has four triangles on a square.
func pyramid() *Mesh {
	return &Mesh{
		Positions: []float32{0, 0, 0, 1, 0, 0, 1, 0, 1, 0, 0, 1, 0.5, 1, 0.5},
		Corners:   []int32{0, 1, 2, 3, 0, 4, 1, 1, 4, 2, 2, 4, 3, 3, 4, 0},
		Starts:    []int32{0, 4, 7, 10, 13, 16},
	}
}

func smallPage() Page {
	return Page{
		Title: "A small page", Command: "morton generate shape --input 'a b.glb'", Elapsed: 83 * time.Second,
		Items: []Item{
			{
				ID: "roof", Family: Quads, Source: "../meshes/roof.glb", Result: "roof.glb", OBJ: "roof.obj", Poster: "roof.png", SourceMesh: pyramid(), ResultMesh: pyramid(),
				Counts: []KV{{"Faces", "5"}}, Measures: []KV{{"Chamfer", "0.01"}}, Details: []KV{{"hausdorff", "0.1"}}, Seed: 7, Model: "quad-s", Seconds: 61.2,
			},
			{
				ID: "clip", Family: Video, Source: "clips/clip.mp4", Result: "clip.mp4", PrefixFrames: 16, Frames: 64, Seed: 1, Seconds: 2.5,
				Marks: []string{"truncated", "damaged"}, Notes: []string{"prefix of 16 frames, not 21: whole cubes of 8"},
			},
			{ID: "nothing", Family: Shape, Error: "out of memory"},
			{ID: "from nothing", Family: Shape, Result: "new.glb", Seconds: 12.34},
		},
		Failures: []Failure{{"clips/broken.mp4", "decode", "corrupt", "no frame"}},
	}
}

func imagePage() Page {
	return Page{Items: []Item{
		{ID: "image-1", Family: Image, Result: "image/image-1.png", Counts: []KV{{"class", "207"}}, Seed: 1, Model: "llamagen-0", Seconds: 3},
		{ID: "a b", Family: Image, Result: "image/a b.png"},
	}}
}

var (
	styleText  = regexp.MustCompile(`(?s)<style>.*?</style>`)
	scriptText = regexp.MustCompile(`(?s)<script>.*</script>`)
)

// written returns index.html without its style and program.
func written(t *testing.T, p Page) (dir, html string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "out")
	if err := Write(dir, p); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(filepath.Join(dir, "index.html"))
	if err != nil {
		t.Fatal(err)
	}
	html = styleText.ReplaceAllString(string(data), "<style></style>")
	return dir, scriptText.ReplaceAllString(html, "<script></script>")
}

func TestGolden(t *testing.T) {
	for name, p := range map[string]Page{"small": smallPage(), "images": imagePage(), "empty": {}} {
		_, got := written(t, p)
		path := filepath.Join("testdata", name+".golden.html")
		if *update {
			if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if got != string(want) {
			t.Errorf("%s: the page changed; look at the difference after go test ./internal/gallery -update:\n%s", name, firstDifference(got, string(want)))
		}
	}
}

func firstDifference(got, want string) string {
	a, b := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return fmt.Sprintf("line %d is\n%s\nwas\n%s", i+1, a[i], b[i])
		}
	}
	return fmt.Sprintf("%d lines, were %d", len(a), len(b))
}

// TestNatural: numbers in names are numbers, and equal ones keep an order.
func TestNatural(t *testing.T) {
	want := []string{"", "1", "a", "a-2", "a-02b", "a-10", "a-99999999999999999999", "a-x", "a10b3", "a10b20", "b"}
	for i, a := range want {
		for j, b := range want {
			if got := natural(a, b); got != cmp.Compare(i, j) {
				t.Errorf("natural(%q, %q) is %d", a, b, got)
			}
		}
	}
}

// TestEscaping puts markup into every text of a page: none of it may come out
// as markup.
func TestEscaping(t *testing.T) {
	const evil = `"><script>alert('1')</script><img src=x onerror=alert(2)>`
	p := Page{Title: evil, Command: evil, Failures: []Failure{{evil, evil, evil, evil}}}
	for i, k := range kinds {
		p.Items = append(p.Items, Item{
			ID: fmt.Sprint(i, evil), Family: k.family, Source: evil, Result: "javascript:alert(3)", OBJ: evil, Poster: evil, SourceMesh: pyramid(), ResultMesh: pyramid(),
			PrefixFrames: 1, Frames: 2, Counts: []KV{{evil, evil}}, Measures: []KV{{evil, evil}}, Details: []KV{{evil, evil}}, Model: evil, Error: evil,
			Marks: []string{evil}, Notes: []string{evil},
		})
	}
	dir, html := written(t, p)
	for _, bad := range []string{"<script>alert", "<img src=x", "onerror=alert(2)>", `href="javascript:`, `src="javascript:`, "file:///javascript"} {
		if strings.Contains(html, bad) {
			t.Errorf("the page holds %s", bad)
		}
	}
	if n := strings.Count(html, "&lt;script&gt;alert("); n < 20 {
		t.Errorf("%d escaped texts, at least 20 wanted", n)
	}
	files, err := filepath.Glob(filepath.Join(dir, geometryFolder, "*"))
	if err != nil || len(files) != 1 || !ownName.MatchString(filepath.Base(files[0])) {
		t.Errorf("scripts %v, error %v; want one, since all meshes are the same", files, err)
	}
}

func TestLinks(t *testing.T) {
	for path, want := range map[string]string{
		"a.mp4":           "./a.mp4",
		"../in/a b.mp4":   "./../in/a%20b.mp4",
		"50%#1?.glb":      "./50%25%231%3F.glb",
		"/data/x.glb":     "file:///data/x.glb",
		"javascript:1":    "./javascript:1",
		"ünï/日本.mp4":      "./%C3%BCn%C3%AF/%E6%97%A5%E6%9C%AC.mp4",
		`a"><script>.glb`: "./a%22%3E%3Cscript%3E.glb",
	} {
		if got := string(link(path)); got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
}

// TestScript reads back what the viewer will read.
func TestScript(t *testing.T) {
	m := pyramid()
	key, text, err := script(&Item{SourceMesh: m})
	if err != nil {
		t.Fatal(err)
	}
	body := strings.TrimSuffix(strings.TrimPrefix(string(text), `mortonGeometry("`+key+`",`), ");\n")
	var sides map[string]geometryFile
	if err := json.Unmarshal([]byte(body), &sides); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	g, ok := sides["source"]
	if !ok || len(sides) != 1 || g.Wide {
		t.Fatalf("%s", text)
	}
	decode := func(s string) []byte {
		b, err := base64.StdEncoding.DecodeString(s)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	positions, corners, starts := decode(g.P), decode(g.C), decode(g.S)
	for i, want := range m.Positions {
		if got := math.Float32frombits(binary.LittleEndian.Uint32(positions[4*i:])); got != want {
			t.Errorf("position %d is %v, want %v", i, got, want)
		}
	}
	for i, want := range m.Corners {
		if got := binary.LittleEndian.Uint16(corners[2*i:]); int32(got) != want {
			t.Errorf("corner %d is %v, want %v", i, got, want)
		}
	}
	for i, want := range m.Starts {
		if got := binary.LittleEndian.Uint32(starts[4*i:]); int32(got) != want {
			t.Errorf("start %d is %v, want %v", i, got, want)
		}
	}
}

func TestWide(t *testing.T) {
	m := &Mesh{Positions: make([]float32, 3*65537), Corners: []int32{0, 1, 65536}, Starts: []int32{0, 3}}
	if g := pack(m); !g.Wide || len(g.C) != 16 {
		t.Errorf("wide %v, corners %q", g.Wide, g.C)
	}
	m.Positions = m.Positions[3:]
	m.Corners[2] = 65535
	if g := pack(m); g.Wide || len(g.C) != 8 {
		t.Errorf("wide %v, corners %q", g.Wide, g.C)
	}
}

func TestTooLargeToDraw(t *testing.T) {
	m := &Mesh{Positions: make([]float32, 9)}
	for f := range MaxFaces + 1 {
		m.Corners = append(m.Corners, 0, 1, 2)
		m.Starts = append(m.Starts, int32(3*f))
	}
	m.Starts = append(m.Starts, int32(len(m.Corners)))
	dir, html := written(t, Page{Items: []Item{{ID: "a", Family: Shape, Result: "a.glb", ResultMesh: m}}})
	if strings.Contains(html, "<canvas") || !strings.Contains(html, "250001 faces are too many") || !strings.Contains(html, `href="./a.glb"`) {
		t.Errorf("%s", html)
	}
	if files, _ := os.ReadDir(filepath.Join(dir, geometryFolder)); len(files) != 0 {
		t.Errorf("scripts %v", files)
	}
}

func TestErrors(t *testing.T) {
	bad := func(change func(m *Mesh)) Item {
		m := pyramid()
		change(m)
		return Item{ID: "a", Family: Shape, ResultMesh: m}
	}
	for name, c := range map[string]struct {
		items []Item
		err   error
	}{
		"no ID":          {[]Item{{Family: Video}}, ErrItem},
		"ID twice":       {[]Item{{ID: "a", Family: Video}, {ID: "a", Family: Shape}}, ErrItem},
		"no family":      {[]Item{{ID: "a"}}, ErrItem},
		"prefix too big": {[]Item{{ID: "a", Family: Video, PrefixFrames: 3, Frames: 2}}, ErrItem},
		"coordinates":    {[]Item{bad(func(m *Mesh) { m.Positions = m.Positions[1:] })}, ErrGeometry},
		"corner":         {[]Item{bad(func(m *Mesh) { m.Corners[3] = 5 })}, ErrGeometry},
		"negative":       {[]Item{bad(func(m *Mesh) { m.Corners[3] = -1 })}, ErrGeometry},
		"end":            {[]Item{bad(func(m *Mesh) { m.Starts[5] = 15 })}, ErrGeometry},
		"beginning":      {[]Item{bad(func(m *Mesh) { m.Starts[0] = 1 })}, ErrGeometry},
		"two corners":    {[]Item{bad(func(m *Mesh) { m.Starts[1] = 2 })}, ErrGeometry},
	} {
		dir := filepath.Join(t.TempDir(), "out")
		if err := Write(dir, Page{Items: c.items}); !errors.Is(err, c.err) {
			t.Errorf("%s: error %v, want %v", name, err, c.err)
		}
		if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: something was written", name)
		}
	}
}

// TestRewrite: the same page gives the same bytes, and another page in the same
// folder leaves no scripts of the first, but everything else.
func TestRewrite(t *testing.T) {
	dir, first := written(t, smallPage())
	other := filepath.Join(dir, geometryFolder, "mine.js")
	if err := os.WriteFile(other, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, second := written(t, smallPage()); second != first {
		t.Error("two pages of the same items differ")
	}
	if err := Write(dir, Page{}); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(dir, geometryFolder, "*"))
	if err != nil || len(files) != 1 || files[0] != other {
		t.Errorf("left %v, error %v", files, err)
	}
}

// manyItems is a page of n results, each with two meshes of its own.
func manyItems(n int) Page {
	p := Page{Title: "Many"}
	for i := range n {
		m := pyramid()
		m.Positions[13] = 1 + float32(i)/float32(n)
		p.Items = append(p.Items, Item{ID: fmt.Sprintf("item-%03d", i), Family: Shape, Source: "a.glb", Result: "b.glb", SourceMesh: pyramid(), ResultMesh: m})
	}
	return p
}

// TestMany: 500 results stand on three small pages, whose links are right, and the
// geometry beside them. The search knows all, on the page where each is.
func TestMany(t *testing.T) {
	dir, html := written(t, manyItems(500))
	if n := strings.Count(html, "<article"); n != pageCards || len(html) > 400_000 {
		t.Errorf("%d cards in %d bytes", n, len(html))
	}
	if strings.Contains(html, "<script src") {
		t.Error("the page loads geometry before it is needed")
	}
	if files, _ := filepath.Glob(filepath.Join(dir, geometryFolder, "????????????????.js")); len(files) != 500 {
		t.Errorf("%d scripts, want 500", len(files))
	}
	third, err := os.ReadFile(filepath.Join(dir, geometryFolder, "3.html"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`id="r3-100"`, `data-name="item-499"`, `href="./../b.glb"`, `href="../index.html">First`, `href="2.html">Previous`, `<body data-gallery=""`, "Page 3 of 3"} {
		if !strings.Contains(string(third), want) {
			t.Errorf("the third page lacks %s", want)
		}
	}
	if strings.Contains(string(third), ">Next<") || !strings.Contains(html, `href="gallery/2.html">Next`) || !strings.Contains(html, `href="gallery/3.html">Last`) {
		t.Error("wrong links between pages")
	}
	text, err := os.ReadFile(filepath.Join(dir, geometryFolder, findFile))
	if err != nil {
		t.Fatal(err)
	}
	var all found
	if err := json.Unmarshal(text[len("mortonFind("):len(text)-len(");\n")], &all); err != nil || len(all.Items) != 500 || all.Items[499][0] != "item-499" || all.PageCards != pageCards {
		t.Errorf("%d names, error %v", len(all.Items), err)
	}
	if err := Write(dir, manyItems(3)); err != nil {
		t.Fatal(err)
	}
	if files, _ := os.ReadDir(filepath.Join(dir, geometryFolder)); len(files) != 3 {
		t.Errorf("%d files left beside a page of three results", len(files))
	}
}

// TestManyFailures: the first are listed, and all are counted by kind.
func TestManyFailures(t *testing.T) {
	var p Page
	for i := range 3 * maxFailures {
		kind := "corrupt"
		if i%3 == 0 {
			kind = "not_found"
		}
		p.Failures = append(p.Failures, Failure{Input: fmt.Sprint(i), Kind: kind})
	}
	_, html := written(t, p)
	if n := strings.Count(html, `<td class="path">`); n != maxFailures || !strings.Contains(html, "400 <code>corrupt</code>, 200 <code>not_found</code>. The first 200") {
		t.Errorf("%d of %d failures listed in\n%s", n, len(p.Failures), html)
	}
}

func TestSeconds(t *testing.T) {
	for s, want := range map[float64]string{0.123: "0.12 s", 9.5: "9.50 s", 12.34: "12.3 s", 61.2: "1m1s", 3600: "1h0m0s"} {
		if got := seconds(s); got != want {
			t.Errorf("%v: %s, want %s", s, got, want)
		}
	}
}

func ExampleWrite() {
	dir, err := os.MkdirTemp("", "gallery")
	if err != nil {
		fmt.Println(err)
	}
	defer os.RemoveAll(dir)
	err = Write(dir, Page{Items: []Item{{ID: "city", Family: Video, Source: "../city.mp4", Result: "city.mp4", PrefixFrames: 16, Frames: 48}}})
	html, _ := os.ReadFile(filepath.Join(dir, "index.html"))
	fmt.Println(strings.Count(string(html), "<video"), "videos", err)
	// Output: 2 videos <nil>
}
