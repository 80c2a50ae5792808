package pipelines

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/morton-gen/morton/internal/atomicfile"
	"github.com/morton-gen/morton/internal/store"
	"github.com/morton-gen/morton/transforms"
	"github.com/morton-gen/morton/transforms/claim"
	"github.com/morton-gen/morton/transforms/report"
	"github.com/morton-gen/morton/transforms/request"
)

// ErrOut reports a folder that a run must not or cannot write to. A result would
// replace an input, or a run's own file would replace another's, or an id belongs to
// another input, or the folder is not writable.
var ErrOut = errors.New("cannot write the results")

// Prepare checks Settings.Out before any work is done, and gives each request its
// input's id there. If the error wraps [ErrOut], nothing was written. The pipelines
// call it themselves. Calling it before them saves opening a model in vain.
func Prepare(job *Job, action string) error {
	if job.prepared == action {
		return nil
	}
	job.Settings.Action, job.Settings.Shards = action, job.Shards
	job.Settings.Spec.TokenizerOnly = action != report.Generate
	if err := job.Validate(); err != nil {
		return err
	}
	job.Requests = slices.Clone(job.Requests)
	for _, step := range []func() error{job.checkOut, job.assignIDs, job.checkInputs, job.checkFolder, job.tryFolder} {
		if err := step(); err != nil {
			return fmt.Errorf("pipelines.Prepare: %w: %w", ErrOut, err)
		}
	}
	job.prepared = action
	return nil
}

// families returns those of the requests.
func (j *Job) families() []request.Family {
	seen := map[request.Family]bool{}
	var all []request.Family
	for i := range j.Requests {
		if f := j.Requests[i].Family; f != "" && !seen[f] {
			seen[f] = true
			all = append(all, f)
		}
	}
	return all
}

// folderFiles returns the files of the run that belong to no single result.
func (j *Job) folderFiles() []string {
	r := j.run()
	files := append(r.Files(j.families()), j.requestsFile())
	if r.Action == report.Tokenize {
		files = append(files, transforms.ShardFiles(j.Settings.Spec.Family, j.Shards)...)
	}
	return files
}

// checkOut rejects a file, and a store that does not answer.
func (j *Job) checkOut() error {
	stat := os.Stat
	if store.Stored(j.Settings.Out) {
		if err := store.Reach(j.Settings.Out); err != nil {
			return err
		}
		stat = store.Lstat // of the object, whether there is a folder of its name or not
	}
	info, err := stat(j.Settings.Out)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if _, err := store.Lstat(j.Settings.Out); err == nil {
			return &fs.PathError{Op: "open", Path: j.Settings.Out, Err: errNoTarget}
		}
		return nil
	case err != nil:
		return err
	case !info.IsDir():
		return &fs.PathError{Op: "open", Path: j.Settings.Out, Err: errNotFolder}
	}
	return nil
}

// checkInputs rejects a run that would overwrite an input.
func (j *Job) checkInputs() error {
	var inputs []string
	for i := range j.Requests {
		inputs = append(inputs, j.Requests[i].Files()...)
	}
	all := claim.NewInputs(inputs...)
	places := append(j.folderFiles(), report.FolderFile)
	for i := range j.Requests {
		r := &j.Requests[i]
		if r.Family != "" {
			p := report.Place{Family: r.Family, ID: r.ID}
			places = append(append(places, p.Marker()), p.Files(j.Settings.Action)...)
		}
	}
	for _, place := range places {
		path := store.Join(j.Settings.Out, place)
		if input, ok := all.At(path); ok {
			return fmt.Errorf("%s would take the place of the input %s; choose another --out", path, input)
		}
	}
	return nil
}

// checkFolder rejects a folder with others' files in the places of the run's
// own, or with unreadable reports of earlier runs.
func (j *Job) checkFolder() error {
	policy := claim.Policy{Overwrite: j.Settings.Overwrite}
	return report.CheckFolder(j.Settings.Out, policy, j.folderFiles()...)
}

// tryFolder checks that files can be created where the run will write, and removes
// what killed runs left. It does not create a missing folder.
func (j *Job) tryFolder() error {
	if store.Stored(j.Settings.Out) {
		return j.sweep()
	}
	folders := []string{j.Settings.Out}
	for _, f := range j.families() {
		folder := filepath.Join(j.Settings.Out, string(f))
		folders = append(folders, folder, filepath.Join(folder, "done"))
	}
	for i, folder := range folders {
		_, err := os.Stat(folder)
		if errors.Is(err, fs.ErrNotExist) {
			if i == 0 {
				return try(above(folder))
			}
			continue
		}
		if err := errors.Join(try(folder), atomicfile.Sweep(folder)); err != nil {
			return err
		}
	}
	return nil
}

// sweep removes temporary files of killed workers.
func (j *Job) sweep() error {
	if store.Stored(j.Settings.Out) {
		return atomicfile.Sweep(near(j.Settings.Out))
	}
	err := atomicfile.Sweep(j.Settings.Out)
	for _, f := range j.families() {
		folder := filepath.Join(j.Settings.Out, string(f))
		err = errors.Join(err, atomicfile.Sweep(folder), atomicfile.Sweep(filepath.Join(folder, "done")))
	}
	return err
}

// above returns the nearest existing folder above path.
func above(path string) string {
	for {
		up := filepath.Dir(path)
		if _, err := os.Stat(up); err == nil || up == path {
			return up
		}
		path = up
	}
}

// try creates a file in a folder and removes it.
func try(folder string) error {
	probe, err := atomicfile.CreateFolder(folder)
	if path := (*fs.PathError)(nil); errors.As(err, &path) {
		return &fs.PathError{Op: "open", Path: folder, Err: path.Err} // without the name of the probe
	}
	if err != nil {
		return err
	}
	return probe.Remove()
}

// What is wrong with --out.
var (
	errNotFolder = errors.New("not a folder")
	errNoTarget  = errors.New("a link to nothing")
)
