package main

import (
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/morton-gen/morton/transforms/request"
)

// refuseSchemes refuses places such as s3://bucket/key, which would be folders of that
// name, before a command makes anything. Beam's own flags take some.
func refuseSchemes(c *cobra.Command, words []string) (err error) {
	refuse := func(flag, place string) {
		if scheme := request.Scheme(place); scheme != "" && err == nil {
			err = usagef(c.Name(), "%s: %s%s: morton opens no %s places; mount it, and name the folder", c.Name(), flag, place, scheme)
		}
	}
	for _, word := range words {
		refuse("", word)
	}
	c.Flags().Visit(func(f *pflag.Flag) {
		switch v := f.Value.(type) {
		case beamFlag:
		case pflag.SliceValue:
			for _, place := range v.GetSlice() {
				refuse("--"+f.Name+" ", place)
			}
		default:
			refuse("--"+f.Name+" ", v.String())
		}
	})
	return err
}
