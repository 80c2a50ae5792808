package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"strings"

	"cloud.google.com/go/storage"
	"github.com/aws/smithy-go"
	"google.golang.org/api/googleapi"

	"github.com/morton-gen/morton/internal/errkind"
)

// Errors a caller can branch on, beside those of package io/fs: fs.ErrNotExist,
// fs.ErrPermission, and fs.ErrExist for a put whose condition does not hold.
var (
	// ErrPlace reports a name that is no place: a scheme that is not served, or no bucket.
	ErrPlace = errkind.New("bad_request", "no place that is served")
	// ErrBucket reports a bucket that is not there. It is fs.ErrNotExist, too.
	ErrBucket = error(noBucket{errkind.New("not_found", "the bucket does not exist")})
	// ErrUnavailable reports a store that gives no answer, or that has asked to come later,
	// to every repetition of a request.
	ErrUnavailable = errkind.New("unavailable", "the store does not answer")
	// ErrSettings reports what this machine lacks to use a store: credentials, a region, an
	// endpoint that is a URL. All places of the store's kind have it.
	ErrSettings = errkind.New("settings", "the settings of the store")
	// ErrTooLarge reports objects over the limit of a copy.
	ErrTooLarge = errkind.New("limit", "too large to copy")
	// ErrDamaged reports a copy that does not match its digest.
	ErrDamaged = errkind.New("corrupt", "damaged")
)

// errNoCredentials reports a machine that has none for S3.
var errNoCredentials = fmt.Errorf("%w: no credentials were found", ErrSettings)

// noBucket is [fs.ErrNotExist] for those who only ask whether something is there.
type noBucket struct{ error }

func (noBucket) Is(target error) bool { return target == fs.ErrNotExist }
func (n noBucket) Unwrap() error      { return n.error }

// lacksBucket reports whether a store says that there is no such bucket. S3 has a code for
// it, unless the answer has no body; Google has a sentence.
func lacksBucket(err error) bool {
	var s3 smithy.APIError
	var gs *googleapi.Error
	switch {
	case errors.As(err, &s3):
		return s3.ErrorCode() == "NoSuchBucket"
	case errors.As(err, &gs):
		return gs.Code == http.StatusNotFound && strings.Contains(gs.Message, "bucket does not exist")
	}
	return errors.Is(err, storage.ErrBucketNotExist)
}

// explain gives an error of a client its kind, with the operation and the place.
func explain(op, place string, err error) error {
	if err == nil || errors.Is(err, context.Canceled) {
		return err
	}
	return &fs.PathError{Op: op, Path: place, Err: kindOf(err)}
}

func kindOf(err error) error {
	code := status(err)
	switch {
	case strings.Contains(err.Error(), "get credentials:"): // AWS's client has no type for it; the status is then that of whom it asked
		return errNoCredentials
	case lacksBucket(err):
		return ErrBucket
	case errors.Is(err, storage.ErrObjectNotExist), errors.Is(err, storage.ErrBucketNotExist), code == http.StatusNotFound:
		return fs.ErrNotExist
	case code == 0 && (strings.Contains(err.Error(), "Missing Region") || strings.Contains(err.Error(), "Invalid region")):
		return fmt.Errorf("%w: no region that is valid; set AWS_REGION, or AWS_ENDPOINT_URL_S3 for another store than Amazon's", ErrSettings)
	case code == http.StatusForbidden, code == http.StatusUnauthorized:
		return fmt.Errorf("%w: %s", fs.ErrPermission, detail(err))
	case code == http.StatusPreconditionFailed:
		return fs.ErrExist
	case code == 0 && !unanswered(err):
		return fmt.Errorf("%w: %s", ErrSettings, detail(err))
	case code < 300, code == http.StatusRequestTimeout, code == http.StatusConflict, code == http.StatusTooManyRequests, code >= 500:
		return fmt.Errorf("%w: %s", ErrUnavailable, detail(err))
	}
	return errors.New(detail(err))
}

// unanswered reports whether a request was sent and got no response.
func unanswered(err error) bool {
	var network net.Error // includes deadlines and system errors
	return errors.As(err, &network) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

// status returns the HTTP status of a response, or 0 without one.
func status(err error) int {
	var s3 interface{ HTTPStatusCode() int }
	var gs *googleapi.Error
	switch {
	case errors.As(err, &gs):
		return gs.Code
	case errors.As(err, &s3):
		return s3.HTTPStatusCode()
	}
	return 0
}

// detail is the message of the store or the network, without the clients' long wrapping
// and headers.
func detail(err error) string {
	var s3 smithy.APIError
	var gs *googleapi.Error
	switch {
	case errors.As(err, &gs):
		return fmt.Sprintf("%d %s", gs.Code, gs.Message)
	case errors.As(err, &s3):
		return s3.ErrorCode() + ": " + s3.ErrorMessage()
	}
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err.Error()
		}
		err = inner
	}
}
