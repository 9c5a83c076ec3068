// SPDX-License-Identifier: Apache-2.0

// Command haechi serves, signs and checks rules: run "haechi help".
//
// Each subcommand is a function in a file of its own that gets its arguments
// and streams and returns an exit code; only main touches the process.
package main

import (
	"fmt"
	"io"
	"os"
	"strings"
)

// Exit codes of every subcommand.
const (
	exitDone   = 0
	exitFailed = 1 // it was understood but could not be done
	exitUsage  = 2
)

// subcommand is one entry of a table. run returns an exit code.
type subcommand struct {
	name, brief string
	run         func(args []string, stdin io.Reader, stdout, stderr io.Writer) int
}

var subcommands = []subcommand{
	{"serve", "keep the rules and bring new ones to every open browser", runServe},
	{"check", "report the distortions in a text", runCheck},
	{"rules", "format, check, pack, sign and publish rule files", runRules},
	{"log", "verify and list what was ever published", runLog},
	{"review", "invite people to the review desk", runReview},
	{"cluster", "show how the nodes of a cluster stand", runCluster},
	{"mirror", "write what a server serves as static files", runMirror},
	{"keys", "make keys, the trust root and the note that lends a server its key", runKeys},
	{"backup", "write all that a server keeps to one file", runBackup},
	{"restore", "make a data directory from such a file", runRestore},
}

func main() {
	os.Exit(dispatch("haechi", subcommands, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// dispatch runs the subcommand that args name. program is what stands before it
// on the command line.
func dispatch(program string, table []subcommand, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	if len(args) == 0 {
		overview(stderr, program, table)
		return exitUsage
	}
	name, rest := args[0], args[1:]
	switch name {
	case "help", "-h", "-help", "--help":
		if name == "help" && len(rest) > 0 {
			return dispatch(program, table, append(rest, "--help"), stdin, stdout, stderr)
		}
		overview(stdout, program, table)
		return exitDone
	}
	for _, c := range table {
		if c.name == name {
			return c.run(rest, stdin, stdout, stderr)
		}
	}
	fmt.Fprintf(stderr, "%s: no command %q; run %q\n", program, name, program+" help")
	return exitUsage
}

func overview(w io.Writer, program string, table []subcommand) {
	fmt.Fprintf(w, "Usage: %s COMMAND …\n\n", program)
	width := 0
	for _, c := range table {
		width = max(width, len(c.name))
	}
	for _, c := range table {
		fmt.Fprintf(w, "  %s  %s\n", c.name+strings.Repeat(" ", width-len(c.name)), c.brief)
	}
	fmt.Fprintf(w, "\nRun %q for its flags and an example.\n", program+" COMMAND --help")
}
