// Package storetest has object stores for tests, on loopback: one that speaks S3, by
// gofakes3, and one that speaks the JSON interface of Google's store, as far as package
// store uses it. Both can fail some of their requests.
package storetest
