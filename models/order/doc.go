// Package order holds orders of prediction, as schedules. It needs no device. Tests
// check an order by counting its steps.
//
// It is not for what stands at a row (see models/input).
package order
