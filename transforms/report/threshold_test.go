package report

import (
	"encoding/json"
	"errors"
	"testing"
)

func TestThreshold(t *testing.T) {
	for _, c := range []struct {
		text            string
		done, failed    int
		stops, exceeded bool
	}{
		{"", 0, 1000, false, false},
		{"0", 9, 0, false, false},
		{"0", 0, 1, true, true},
		{"3", 0, 3, false, false},
		{"3", 90, 4, true, true},
		{"5%", 9, 1, false, true}, // too few to stop for, too many at the end
		{"5%", 18, 1, false, true},
		{"5%", 19, 1, false, false}, // exactly 5%
		{"5%", 18, 2, true, true},
		{"0%", 19, 1, true, true},
		{"0.5%", 995, 5, false, false},
		{"0.5%", 994, 6, true, true},
		{"100%", 0, 50, false, false},
	} {
		var limit Threshold
		if err := limit.UnmarshalText([]byte(c.text)); err != nil {
			t.Fatal(err)
		}
		if stops, exceeded := limit.Stops(c.done, c.failed), limit.Exceeded(c.done, c.failed); stops != c.stops || exceeded != c.exceeded {
			t.Errorf("%q, %d done and %d failed: stops %v, exceeded %v", c.text, c.done, c.failed, stops, exceeded)
		}
		var back Threshold
		data, err := json.Marshal(limit)
		if err == nil {
			err = json.Unmarshal(data, &back)
		}
		if err != nil || back != limit || limit.String() != c.text {
			t.Errorf("%q came back as %q by way of %s: %v", c.text, back, data, err)
		}
	}
	for _, text := range []string{"%", "-1", "1.5", "101%", "-5%", "nan%", "many", "5 %", "99999999999"} {
		var limit Threshold
		if err := limit.UnmarshalText([]byte(text)); !errors.Is(err, ErrThreshold) {
			t.Errorf("%q: error %v, want ErrThreshold", text, err)
		}
	}
}
