// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
)

// options are the flags of one subcommand. Flags may stand before, between and
// after the other arguments; after "--" nothing is a flag.
type options struct {
	*flag.FlagSet
	args string // what follows the name in the usage line
	help string // what it does, and an example
}

func newOptions(name, args, help string) *options {
	o := &options{flag.NewFlagSet(name, flag.ContinueOnError), args, strings.TrimSpace(help)}
	o.SetOutput(io.Discard) // parse reports errors itself
	return o
}

// list declares a flag that may be given several times.
func (o *options) list(name, usage string) *[]string {
	var values []string
	o.Func(name, usage, func(s string) error { values = append(values, s); return nil })
	return &values
}

// parse returns the arguments that are no flags. With ok false the subcommand
// ends with code: help was asked for, or the usage is wrong. It wants at least
// least arguments and at most most; a negative most means any number.
func (o *options) parse(args []string, least, most int, stdout, stderr io.Writer) (rest []string, code int, ok bool) {
	for len(args) > 0 {
		if err := o.Parse(args); err != nil {
			if errors.Is(err, flag.ErrHelp) {
				o.usage(stdout)
				return nil, exitDone, false
			}
			return nil, o.wrong(stderr, "%v", err), false
		}
		taken := args[:len(args)-o.NArg()]
		if len(taken) > 0 && taken[len(taken)-1] == "--" {
			rest = append(rest, o.Args()...)
			break
		}
		if args = o.Args(); len(args) > 0 {
			rest, args = append(rest, args[0]), args[1:]
		}
	}
	switch {
	case len(rest) < least:
		return nil, o.wrong(stderr, "too few arguments"), false
	case most >= 0 && len(rest) > most:
		return nil, o.wrong(stderr, "unexpected argument %q", rest[most]), false
	}
	return rest, exitDone, true
}

// wrong reports wrong usage and returns its exit code.
func (o *options) wrong(stderr io.Writer, format string, v ...any) int {
	fmt.Fprintf(stderr, "haechi %s: %s\nUsage: haechi %s %s\n", o.Name(), fmt.Sprintf(format, v...), o.Name(), o.args)
	return exitUsage
}

// failed reports why a subcommand could not run and returns its exit code.
func (o *options) failed(stderr io.Writer, err error) int {
	fmt.Fprintf(stderr, "haechi %s: %v\n", o.Name(), err)
	return exitFailed
}

func (o *options) usage(w io.Writer) {
	fmt.Fprintf(w, "Usage: haechi %s %s\n\n%s\n", o.Name(), o.args, o.help)
	flags := false
	o.VisitAll(func(f *flag.Flag) {
		if !flags {
			fmt.Fprint(w, "\nFlags:\n")
			flags = true
		}
		value, usage := flag.UnquoteUsage(f)
		if value != "" {
			value = " " + value
		}
		fmt.Fprintf(w, "  --%s%s\n        %s", f.Name, value, usage)
		if f.DefValue != "" && f.DefValue != "false" {
			fmt.Fprintf(w, " (default %s)", f.DefValue)
		}
		fmt.Fprintln(w)
	})
}
