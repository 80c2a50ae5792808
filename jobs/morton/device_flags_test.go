package main

import (
	"strings"
	"testing"
	"time"

	"github.com/morton-gen/morton/transforms/request"
)

func TestSizes(t *testing.T) {
	for text, want := range map[string]uint64{
		"0": 0, "123": 123, "4k": 4 << 10, "512M": 512 << 20, "512MiB": 512 << 20, "3G": 3 << 30, "2T": 2 << 40, "18446744073709551615": 1<<64 - 1,
	} {
		var s sizeFlag
		if err := s.Set(text); err != nil || uint64(s) != want {
			t.Errorf("%s: %d, error %v, want %d", text, s, err, want)
		}
	}
	for _, text := range []string{"", "G", "-1", "1.5G", "many", "1 G", "1GG", "18446744073709551616", "17179869184G", "1KM"} {
		s := sizeFlag(7)
		if err := s.Set(text); err == nil || s != 7 {
			t.Errorf("%q was taken for %d", text, s)
		}
	}
}

func TestDeviceFlags(t *testing.T) {
	t.Setenv("MORTON_SUBGROUP", "32")
	o := newGenerateFlags().options
	if err := o.parse([]string{"--out", "o", "--memory-limit", "2G", "--subgroup", "16", "--threads", "3", "--device", "1"}); err != nil {
		t.Fatal(err)
	}
	defer resetRunner(t)
	if d := o.options(); d.MemoryLimit != 2<<30 || d.Device != "1" || d.Threads != 3 || o.wanted() != 16 {
		t.Errorf("%+v, width %d", d, o.wanted())
	}
	if s := o.job(request.Quads, nil, time.Now()).Settings.Spec; s.Memory != 2<<30 || s.Device != "1" || s.Threads != 3 {
		t.Errorf("%+v", s)
	}
	// Workers elsewhere do not see this environment.
	if width := new(deviceFlags).wanted(); width != 32 {
		t.Errorf("by the environment: width %d", width)
	}
	for flag, value := range map[string]string{"--subgroup": "12", "--memory-limit": "lots", "--threads": "0"} {
		err := newGenerateFlags().parse([]string{"--out", "o", flag, value})
		if err == nil || !strings.Contains(err.Error(), flag) {
			t.Errorf("%s %s: error %v", flag, value, err)
		}
	}
}
