package storetest

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// google speaks what package store needs of Google's JSON interface, version 1.
type google struct {
	mu      sync.Mutex
	objects map[string]*stored // bucket/key
	uploads map[string]*upload
	last    int64 // generation
}

type stored struct {
	data       []byte
	generation int64
	time       time.Time
	kind       string
}

// upload is a resumable one on its way.
type upload struct {
	bucket, name, kind, condition string
	data                          []byte
}

func newGoogle() *google {
	return &google{objects: map[string]*stored{}, uploads: map[string]*upload{}, last: 1_700_000_000_000_000}
}

// refusal is an answer that is an error.
type refusal struct {
	code int
	text string
}

func (g *google) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if why := g.serve(w, r); why != nil {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(why.code)
		json.NewEncoder(w).Encode(map[string]any{"error": map[string]any{"code": why.code, "message": why.text}})
	}
}

func (g *google) serve(w http.ResponseWriter, r *http.Request) *refusal {
	uploading := strings.HasPrefix(r.URL.Path, "/upload/")
	path := strings.TrimPrefix(strings.TrimPrefix(r.URL.EscapedPath(), "/upload"), "/storage/v1/b/")
	bucket, rest, inside := strings.Cut(path, "/")
	rest, _ = strings.CutPrefix(rest, "o")
	name, err := url.PathUnescape(strings.TrimPrefix(rest, "/"))
	switch {
	case err != nil:
		return &refusal{400, err.Error()}
	case bucket == "none":
		return &refusal{404, "The specified bucket does not exist."}
	case bucket == "closed":
		return &refusal{403, "storetest does not have storage.objects access"}
	case !inside:
		return answer(w, map[string]string{"kind": "storage#bucket", "id": bucket, "name": bucket})
	case uploading:
		return g.upload(w, r, bucket)
	case name == "":
		return g.list(w, r.URL.Query(), bucket)
	}
	o := g.objects[bucket+"/"+name]
	if want := r.URL.Query().Get("generation"); o == nil || want != "" && want != strconv.FormatInt(o.generation, 10) {
		return &refusal{404, "No such object: " + bucket + "/" + name}
	}
	switch {
	case r.Method == http.MethodDelete:
		delete(g.objects, bucket+"/"+name)
		w.WriteHeader(http.StatusNoContent)
	case r.URL.Query().Get("alt") == "media":
		w.Header().Set("X-Goog-Generation", strconv.FormatInt(o.generation, 10))
		w.Header().Set("X-Goog-Metageneration", "1")
		w.Header().Set("X-Goog-Hash", "crc32c="+crc(o.data))
		w.Header().Set("Content-Type", o.kind)
		http.ServeContent(w, r, "", o.time, bytes.NewReader(o.data))
	default:
		return answer(w, o.resource(bucket, name))
	}
	return nil
}

func answer(w http.ResponseWriter, v any) *refusal {
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(v)
	return nil
}

func crc(data []byte) string {
	var sum [4]byte
	binary.BigEndian.PutUint32(sum[:], crc32.Checksum(data, crc32.MakeTable(crc32.Castagnoli)))
	return base64.StdEncoding.EncodeToString(sum[:])
}

func (o *stored) resource(bucket, name string) map[string]string {
	return map[string]string{
		"kind": "storage#object", "bucket": bucket, "name": name, "size": strconv.Itoa(len(o.data)), "generation": strconv.FormatInt(o.generation, 10),
		"metageneration": "1", "updated": o.time.Format(time.RFC3339Nano), "timeCreated": o.time.Format(time.RFC3339Nano), "contentType": o.kind,
		"etag": fmt.Sprintf("CE%x", o.generation), "crc32c": crc(o.data),
	}
}

func (g *google) list(w http.ResponseWriter, q url.Values, bucket string) *refusal {
	prefix, delimiter, after := q.Get("prefix"), q.Get("delimiter"), q.Get("pageToken")
	most, _ := strconv.Atoi(q.Get("maxResults"))
	if most <= 0 || most > 1000 {
		most = 1000
	}
	var names []string // objects, and folders with their slash
	for path := range g.objects {
		name, mine := strings.CutPrefix(path, bucket+"/")
		if !mine || !strings.HasPrefix(name, prefix) {
			continue
		}
		if i := strings.Index(name[len(prefix):], delimiter); delimiter != "" && i >= 0 {
			name = name[:len(prefix)+i+len(delimiter)]
		}
		if name > after {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	names = slices.Compact(names)
	next := ""
	if len(names) > most {
		names = names[:most]
		next = names[most-1]
	}
	var items []map[string]string
	var folders []string
	for _, name := range names {
		if delimiter != "" && strings.HasSuffix(name, delimiter) && name != prefix {
			folders = append(folders, name)
			continue
		}
		items = append(items, g.objects[bucket+"/"+name].resource(bucket, name))
	}
	return answer(w, map[string]any{"kind": "storage#objects", "items": items, "prefixes": folders, "nextPageToken": next})
}

// upload takes an object in one request, or the parts of a resumable upload.
func (g *google) upload(w http.ResponseWriter, r *http.Request, bucket string) *refusal {
	q := r.URL.Query()
	if id := q.Get("upload_id"); id != "" {
		return g.part(w, r, id)
	}
	u := &upload{bucket: bucket, name: q.Get("name"), condition: q.Get("ifGenerationMatch")}
	var about struct{ Name, ContentType string }
	if q.Get("uploadType") == "resumable" {
		if err := json.NewDecoder(r.Body).Decode(&about); err != nil {
			return &refusal{400, err.Error()}
		}
		u.kind = r.Header.Get("X-Upload-Content-Type")
		if u.name == "" {
			u.name = about.Name
		}
		id := strconv.Itoa(len(g.uploads) + 1)
		g.uploads[id] = u
		w.Header().Set("Location", "http://"+r.Host+r.URL.Path+"?uploadType=resumable&upload_id="+id)
		return nil
	}
	_, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		return &refusal{400, err.Error()}
	}
	parts := multipart.NewReader(r.Body, params["boundary"])
	head, err := parts.NextPart()
	if err == nil {
		err = json.NewDecoder(head).Decode(&about)
	}
	if err != nil {
		return &refusal{400, err.Error()}
	}
	if u.name == "" {
		u.name = about.Name
	}
	body, err := parts.NextPart()
	if err != nil {
		return &refusal{400, err.Error()}
	}
	if u.data, err = io.ReadAll(body); err != nil {
		return &refusal{400, err.Error()}
	}
	u.kind = body.Header.Get("Content-Type")
	return g.finish(w, u)
}

// part takes bytes of a resumable upload: "bytes 0-99/*", or "bytes */100" to ask how far
// it is.
func (g *google) part(w http.ResponseWriter, r *http.Request, id string) *refusal {
	u := g.uploads[id]
	if u == nil {
		return &refusal{404, "no such upload"}
	}
	data, err := io.ReadAll(r.Body)
	if err != nil {
		return &refusal{400, err.Error()}
	}
	span, total, _ := strings.Cut(strings.TrimPrefix(r.Header.Get("Content-Range"), "bytes "), "/")
	if first, _, given := strings.Cut(span, "-"); given {
		at, err := strconv.Atoi(first)
		if err != nil || at > len(u.data) {
			return &refusal{400, "a gap"}
		}
		u.data = append(u.data[:at], data...) // a part that came before comes again
	}
	if n, err := strconv.Atoi(total); err == nil && n == len(u.data) {
		return g.finish(w, u)
	}
	if len(u.data) > 0 {
		w.Header().Set("Range", fmt.Sprintf("bytes=0-%d", len(u.data)-1))
	}
	w.Header().Set("X-Http-Status-Code-Override", "308") // the client asks for no real 308
	return nil
}

// finish puts an object at its place if its condition holds.
func (g *google) finish(w http.ResponseWriter, u *upload) *refusal {
	path := u.bucket + "/" + u.name
	old := int64(0)
	if o := g.objects[path]; o != nil {
		old = o.generation
	}
	if want, err := strconv.ParseInt(u.condition, 10, 64); err == nil && want != old {
		return &refusal{412, "At least one of the pre-conditions you specified did not hold."}
	}
	g.last++
	o := &stored{data: u.data, generation: g.last, time: time.Now().UTC(), kind: u.kind}
	g.objects[path] = o
	return answer(w, o.resource(u.bucket, u.name))
}
