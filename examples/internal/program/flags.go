// Package program has what the larger example servers tell whoever starts and ends them.
package program

import (
	"errors"
	"flag"
	"fmt"
	"slices"
	"strings"
)

// NoArgs is the error of what stands behind the flags.
func NoArgs() error {
	if flag.NArg() > 0 {
		return fmt.Errorf("what is %q?", flag.Arg(0))
	}
	return nil
}

// Counts is the error of these flags if one of them is negative.
func Counts(names ...string) error {
	return refuse(names, func(s string) string {
		if strings.HasPrefix(s, "-") {
			return "is less than nothing"
		}
		return ""
	})
}

// Limits is the error of these flags, numbers or times, if one of them is neither positive
// nor -1, which is no limit. What a Config takes for its default is 0, which nobody means.
func Limits(names ...string) error {
	return refuse(names, func(s string) string {
		switch {
		case s == "-1" || s == "-1ns":
			return ""
		case s == "0" || strings.HasPrefix(s, "-") && !strings.HasSuffix(s, "s"):
			return "cannot be: there must be some, or -1 for any number"
		case s == "0s" || strings.HasPrefix(s, "-"):
			return "cannot be: there must be some time, or -1ns for any"
		}
		return ""
	})
}

// Some is the error of these flags if one of them is not positive.
func Some(names ...string) error {
	return refuse(names, func(s string) string {
		if s == "0" || strings.HasPrefix(s, "-") {
			return "cannot be: there must be some"
		}
		return ""
	})
}

// refuse asks what is wrong with the values of flags.
func refuse(names []string, wrong func(string) string) error {
	var errs []error
	flag.Visit(func(f *flag.Flag) {
		if !slices.Contains(names, f.Name) {
			return
		}
		if why := wrong(f.Value.String()); why != "" {
			errs = append(errs, fmt.Errorf("-%s: %v %s", f.Name, f.Value, why))
		}
	})
	return errors.Join(errs...)
}

// Need is the error of these flags if one of them is given without the other, and so
// would do nothing.
func Need(other string, names ...string) error {
	var errs []error
	flag.Visit(func(f *flag.Flag) {
		if slices.Contains(names, f.Name) && flag.Lookup(other).Value.String() == "" {
			errs = append(errs, fmt.Errorf("-%s does nothing without -%s", f.Name, other))
		}
	})
	return errors.Join(errs...)
}
