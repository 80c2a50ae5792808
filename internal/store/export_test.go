package store

import "time"

func init() { firstBackoff = 5 * time.Millisecond }
