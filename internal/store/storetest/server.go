package storetest

import (
	"bytes"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"sync/atomic"
	"testing"
	"time"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
)

// Secret is the key that [S3] puts into the environment. No output may have it.
const Secret = "storetest-secret-key-31415"

// Server is a store.
type Server struct {
	URL string
	// FailEvery has one request in so many fail; 0 means none.
	FailEvery atomic.Int64
	// Delay is how long each request takes at least, in nanoseconds.
	Delay atomic.Int64
	// Requests and Failed count.
	Requests, Failed atomic.Int64
	// Looks is how many requests for the attributes of an object are in progress, MostLooks
	// the largest such number.
	Looks, MostLooks atomic.Int64

	handler http.Handler
	backend *s3mem.Backend // of S3
}

// S3 starts a store with buckets, and makes it that of s3:// for the test.
func S3(t testing.TB, buckets ...string) *Server {
	backend := s3mem.New()
	for _, b := range buckets {
		if err := backend.CreateBucket(b); err != nil {
			t.Fatal(err)
		}
	}
	s := start(t, gofakes3.New(backend, gofakes3.WithLogger(gofakes3.DiscardLog())).Server())
	s.backend = backend
	setenv(t, map[string]string{
		"AWS_ENDPOINT_URL_S3": s.URL, "AWS_ACCESS_KEY_ID": "storetest", "AWS_SECRET_ACCESS_KEY": Secret, "AWS_EC2_METADATA_DISABLED": "true",
		"AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
	})
	return s
}

// Fill puts the files of a folder of the disk below a prefix of a bucket of S3, without
// requests: hundreds of thousands take seconds.
func (s *Server) Fill(bucket, prefix, folder string) error {
	files := os.DirFS(folder)
	return fs.WalkDir(files, ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		data, err := fs.ReadFile(files, name)
		if err != nil {
			return err
		}
		_, err = s.backend.PutObject(bucket, path.Join(prefix, name), map[string]string{}, bytes.NewReader(data), int64(len(data)), nil)
		return err
	})
}

// GS starts a store that has every bucket but those named "none", and makes it that of
// gs:// for the test.
func GS(t testing.TB) *Server {
	s := start(t, newGoogle())
	setenv(t, map[string]string{"STORAGE_EMULATOR_HOST": s.URL})
	return s
}

func setenv(t testing.TB, all map[string]string) {
	for name, value := range all {
		t.Setenv(name, value)
	}
}

func start(t testing.TB, h http.Handler) *Server {
	s := &Server{handler: h}
	server := httptest.NewServer(s)
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	s.URL = server.URL
	return s
}

// ServeHTTP serves a request, or fails it in one of five ways, by turns.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodHead {
		looks := s.Looks.Add(1)
		defer s.Looks.Add(-1)
		for most := s.MostLooks.Load(); looks > most && !s.MostLooks.CompareAndSwap(most, looks); most = s.MostLooks.Load() {
		}
	}
	time.Sleep(time.Duration(s.Delay.Load()))
	n, every := s.Requests.Add(1), s.FailEvery.Load()
	if every == 0 || n%every != 0 {
		s.handler.ServeHTTP(w, r)
		return
	}
	switch s.Failed.Add(1) % 5 {
	case 0:
		http.Error(w, "try later", http.StatusServiceUnavailable)
	case 1:
		http.Error(w, "slower", http.StatusTooManyRequests)
	case 2:
		panic(http.ErrAbortHandler) // without an answer, and nothing done
	case 3: // what was asked for is done, and the answer is lost
		s.handler.ServeHTTP(httptest.NewRecorder(), r)
		panic(http.ErrAbortHandler)
	case 4: // the answer breaks off
		answer := httptest.NewRecorder()
		s.handler.ServeHTTP(answer, r)
		if answer.Body.Len() == 0 {
			panic(http.ErrAbortHandler)
		}
		for name, values := range answer.Header() {
			w.Header()[name] = values
		}
		w.WriteHeader(answer.Code)
		w.Write(answer.Body.Bytes()[:answer.Body.Len()/2])
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}
}
