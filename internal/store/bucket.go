package store

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"cloud.google.com/go/storage"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go/logging"
	"github.com/googleapis/gax-go/v2"
	"gocloud.dev/blob"
	"gocloud.dev/blob/gcsblob"
	"gocloud.dev/blob/s3blob"
)

// Bounds on repeated requests: eight attempts take about 10 s.
const (
	maxAttempts = 8
	maxRepeats  = 4 // our own
	maxBackoff  = 10 * time.Second
)

var firstBackoff = 100 * time.Millisecond // shorter in tests

// stall is how long a request may go without receiving a byte.
const stall = time.Minute

// Buckets stay open for the life of the process, since a client has connections
// and renews credentials.
var (
	bucketsMu sync.Mutex
	buckets   = map[string]*blob.Bucket{}
)

// bucket returns the open bucket of a place, and the place's key in it.
func bucket(ctx context.Context, place string) (*blob.Bucket, string, error) {
	name, key, err := split(place)
	if err != nil {
		return nil, "", err
	}
	bucketsMu.Lock()
	defer bucketsMu.Unlock()
	open, endpoint := openGS, os.Getenv("STORAGE_EMULATOR_HOST")
	if strings.HasPrefix(place, "s3://") {
		open, endpoint = openS3, os.Getenv("AWS_ENDPOINT_URL_S3")+" "+os.Getenv("AWS_ENDPOINT_URL")
	}
	id := Scheme(place) + name + " " + endpoint // tests start and stop stores
	b := buckets[id]
	if b == nil {
		if b, err = open(ctx, name); err != nil {
			return nil, "", explain("open", Scheme(place)+name, err)
		}
		buckets[id] = b
	}
	return b, key, nil
}

// openS3 opens a bucket with the settings of AWS's own tools: the environment, profiles,
// and the machine's role. AWS_ENDPOINT_URL_S3 names another store. Those have buckets in
// the path, seldom a region, and not always the newer checksums.
func openS3(ctx context.Context, name string) (*blob.Bucket, error) {
	// The client's own transport keeps ten connections, and would open most anew.
	transport := awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) { t.MaxIdleConnsPerHost = AtOnce })
	c, err := config.LoadDefaultConfig(context.WithoutCancel(ctx), config.WithHTTPClient(transport), config.WithLogger(logging.Nop{}), config.WithRetryer(func() aws.Retryer {
		return retry.NewStandard(func(o *retry.StandardOptions) {
			o.MaxAttempts, o.RateLimiter = maxAttempts, ratelimit.None
			o.Retryables = append(o.Retryables, retry.RetryableHTTPStatusCode{Codes: map[int]struct{}{http.StatusTooManyRequests: {}}})
			o.Backoff = retry.BackoffDelayerFunc(func(attempt int, _ error) (time.Duration, error) { return backoff(attempt), nil })
		})
	}))
	if err != nil {
		return nil, err
	}
	client := s3.NewFromConfig(c, func(o *s3.Options) {
		o.Logger = logging.Nop{}
		if o.BaseEndpoint == nil {
			return
		}
		o.UsePathStyle = true
		o.RequestChecksumCalculation, o.ResponseChecksumValidation = aws.RequestChecksumCalculationWhenRequired, aws.ResponseChecksumValidationWhenRequired
		if o.Region == "" {
			o.Region = "us-east-1"
		}
	})
	return s3blob.OpenBucket(ctx, client, name, nil)
}

// repeat repeats what the clients do not: requests whose response broke off, and uploads
// concurrent with another of the same key, which S3 rejects as a conflict. An error after
// the client's own repetitions is final.
func repeat(ctx context.Context, do func() error) error {
	for n := 1; ; n++ {
		err := do()
		again := errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || status(err) == http.StatusConflict
		if spent := (*retry.MaxAttemptsError)(nil); errors.As(err, &spent) || !again || n >= maxRepeats || ctx.Err() != nil {
			return err
		}
		time.Sleep(backoff(n))
	}
}

// backoff returns the pause after an attempt, counted from 1.
func backoff(attempt int) time.Duration {
	most := min(firstBackoff<<min(max(attempt-1, 0), 10), maxBackoff)
	return most/2 + rand.N(most/2)
}

// openGS opens a bucket with Google's application default credentials. All requests are
// repeated, since all are idempotent: a put is of the whole object.
func openGS(ctx context.Context, name string) (*blob.Bucket, error) {
	client, err := storage.NewClient(context.WithoutCancel(ctx), storage.WithJSONReads())
	if err != nil {
		return nil, errors.New(err.Error()) // no request was sent: a missing file of credentials would count as a network's error
	}
	client.SetRetry(
		storage.WithPolicy(storage.RetryAlways), storage.WithMaxAttempts(maxAttempts), storage.WithErrorFunc(repeats),
		storage.WithBackoff(gax.Backoff{Initial: firstBackoff, Max: maxBackoff, Multiplier: 2}))
	return gcsblob.OpenBucket(ctx, nil, name, &gcsblob.Options{Client: client})
}

// repeats extends Google's retries to connections that end without a response.
func repeats(err error) bool { return storage.ShouldRetry(err) || errors.Is(err, io.EOF) }
