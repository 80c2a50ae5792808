// Package dataflowtest has a fake of Google's Dataflow for tests: the jobs of its REST
// interface, version v1b3, and the place where credentials become tokens. It runs nothing
// by itself. The test says what becomes of a job, or has [Run] run what was staged.
package dataflowtest

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	df "google.golang.org/api/dataflow/v1b3"
)

// Token is what the credentials of the fake become. No output may have it.
const Token = "dataflowtest-token-27182"

// Server is the service. Its fields are set before it starts.
type Server struct {
	URL string // with a slash at its end, as --dataflow_endpoint wants it
	Key string // the private key of the credentials, which no output may have
	// Begun is called, if set, when a job begins, in a goroutine of its own.
	Begun func(id string, job *df.Job)
	// Stubborn keeps jobs from ending when they are cancelled.
	Stubborn bool

	mu       sync.Mutex
	down     int // status of every answer, if it is none of 0
	jobs     map[string]*job
	requests [][]byte
	asked    []string // to cancel
}

type job struct {
	*df.Job
	said   []*df.JobMessage
	cancel func() // what runs it, see [Server.Run]
	shown  string // the last state that was answered
}

// Start serves one until the test ends, and makes its credentials those of the process.
func Start(t testing.TB, s *Server) *Server {
	t.Helper()
	s.jobs = map[string]*job{}
	server := httptest.NewServer(s)
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	s.URL = server.URL + "/"
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	s.Key = string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	account, err := json.Marshal(map[string]string{
		"type": "service_account", "project_id": "p", "client_email": "launcher@p.iam.gserviceaccount.com", "private_key_id": "1",
		"private_key": s.Key, "token_uri": s.URL + "token",
	})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "account.json")
	if err := os.WriteFile(path, account, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", path)
	return s
}

// Secrets are parts of the credentials that no output may have.
func (s *Server) Secrets() []string {
	return []string{Token, strings.Split(s.Key, "\n")[1]}
}

// Down has every question be answered by an error of that HTTP status; 0 ends it.
func (s *Server) Down(status int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = status
}

// Requests returns the jobs that were asked for, as they were sent.
func (s *Server) Requests() [][]byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.requests
}

// Cancelled returns the jobs that somebody asked to cancel.
func (s *Server) Cancelled() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked
}

// Move gives a job a state, in the service's word without its prefix.
func (s *Server) Move(id, state string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.jobs[id].CurrentState = "JOB_STATE_" + state
}

// step is [Server.Move] after somebody has seen the state before. A launcher asks every few
// seconds, and a job of a test may be faster. A launcher that is gone is not waited for.
func (s *Server) step(id, state string) {
	for begun := time.Now(); !s.seen(id) && time.Since(begun) < patience; {
		time.Sleep(10 * time.Millisecond)
	}
	s.Move(id, state)
}

const patience = 10 * time.Second

func (s *Server) seen(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.jobs[id].shown == s.jobs[id].CurrentState
}

// Say says something about a job. Importance is the service's word without its prefix.
func (s *Server) Say(id, importance, text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	j := s.jobs[id]
	j.said = append(j.said, &df.JobMessage{
		Id: fmt.Sprint("message-", len(j.said)), MessageImportance: "JOB_MESSAGE_" + importance, MessageText: text, Time: time.Now().UTC().Format(time.RFC3339Nano),
	})
}

// Forget makes a job one that the service does not know.
func (s *Server) Forget(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.jobs, id)
}

var path = regexp.MustCompile(`^/v1b3/projects/p/locations/r/jobs(?:/([^/]+)(/messages)?)?$`)

// ServeHTTP serves a request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	if r.URL.Path == "/token" {
		json.NewEncoder(w).Encode(map[string]any{"access_token": Token, "token_type": "Bearer", "expires_in": 3600})
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	code, answer := s.serve(r)
	if code != http.StatusOK {
		w.WriteHeader(code)
		answer = map[string]any{"error": map[string]any{"code": code, "message": answer}}
	}
	json.NewEncoder(w).Encode(answer)
}

// serve returns what a request is answered: a value, or a status and a text.
func (s *Server) serve(r *http.Request) (int, any) {
	m := path.FindStringSubmatch(r.URL.Path)
	switch {
	case s.down != 0:
		return s.down, http.StatusText(s.down)
	case r.Header.Get("Authorization") != "Bearer "+Token:
		return http.StatusUnauthorized, "Request had invalid authentication credentials."
	case m == nil:
		return http.StatusNotFound, "no such resource: " + r.URL.Path
	case m[1] == "" && r.Method == http.MethodPost:
		return s.create(r)
	case m[1] == "":
		return http.StatusOK, s.list()
	}
	j := s.jobs[m[1]]
	switch {
	case j == nil:
		return http.StatusNotFound, "Information about job " + m[1] + " could not be found in our system."
	case m[2] != "":
		return http.StatusOK, j.messages(r)
	case r.Method == http.MethodPut:
		return s.update(j, r)
	}
	j.shown = j.CurrentState
	return http.StatusOK, j.Job
}

func (s *Server) create(r *http.Request) (int, any) {
	data, err := io.ReadAll(r.Body)
	j := &job{Job: &df.Job{}}
	if err == nil {
		err = json.Unmarshal(data, j.Job)
	}
	if err != nil {
		return http.StatusBadRequest, err.Error()
	}
	for _, other := range s.jobs {
		if other.Name == j.Name && active(other) {
			return http.StatusConflict, "The workflow could not be created, since there is already an active job of that name."
		}
	}
	j.Id = fmt.Sprintf("2026-01-01_00_00_00-%d", len(s.jobs)+1)
	j.CurrentState = "JOB_STATE_PENDING"
	s.requests = append(s.requests, data)
	s.jobs[j.Id] = j
	if s.Begun != nil {
		go s.Begun(j.Id, j.Job)
	}
	return http.StatusOK, j.Job
}

func active(j *job) bool {
	switch j.CurrentState {
	case "JOB_STATE_DONE", "JOB_STATE_FAILED", "JOB_STATE_CANCELLED":
		return false
	}
	return true
}

func (s *Server) list() any {
	all := &df.ListJobsResponse{}
	for _, j := range s.jobs {
		if active(j) {
			all.Jobs = append(all.Jobs, j.Job)
		}
	}
	return all
}

// update takes the one change that a client asks for.
func (s *Server) update(j *job, r *http.Request) (int, any) {
	var asked df.Job
	if err := json.NewDecoder(r.Body).Decode(&asked); err != nil || asked.RequestedState != "JOB_STATE_CANCELLED" {
		return http.StatusBadRequest, fmt.Sprintf("state %q: %v", asked.RequestedState, err)
	}
	if !active(j) {
		return http.StatusBadRequest, "Cannot cancel a job that has ended."
	}
	s.asked = append(s.asked, j.Id)
	switch {
	case j.cancel != nil:
		go j.cancel()
		fallthrough
	case s.Stubborn:
		j.CurrentState = "JOB_STATE_CANCELLING"
	default:
		j.CurrentState = "JOB_STATE_CANCELLED"
	}
	return http.StatusOK, j.Job
}

var importances = []string{"JOB_MESSAGE_DEBUG", "JOB_MESSAGE_DETAILED", "JOB_MESSAGE_BASIC", "JOB_MESSAGE_WARNING", "JOB_MESSAGE_ERROR"}

// messages answers two a page.
func (j *job) messages(r *http.Request) any {
	least := rank(r.URL.Query().Get("minimumImportance"))
	first, _ := strconv.Atoi(r.URL.Query().Get("pageToken"))
	since, _ := time.Parse(time.RFC3339Nano, r.URL.Query().Get("startTime"))
	all := &df.ListJobMessagesResponse{}
	for i, m := range j.said[min(first, len(j.said)):] {
		if len(all.JobMessages) == 2 {
			all.NextPageToken = strconv.Itoa(first + i)
			break
		}
		if said, _ := time.Parse(time.RFC3339Nano, m.Time); rank(m.MessageImportance) >= least && !said.Before(since) {
			all.JobMessages = append(all.JobMessages, m)
		}
	}
	return all
}

func rank(importance string) int {
	for i, name := range importances {
		if name == importance {
			return i
		}
	}
	return 0
}
