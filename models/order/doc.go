// Package order holds the orders in which positions are predicted, as schedules. It
// needs no device: an order is checked by counting.
//
// It is not for what stands at a row (see models/input).
package order
