// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"text/tabwriter"
	"time"

	"haechi/rules/trust"
	"haechi/server/cluster"
)

const clusterHelp = `
Asks the NATS servers of a cluster how it stands: the newest release, what each
node serves and when it last said so, how many replicas of the log are up to
date, and how many reports wait for the review desk. A node says so every ten
seconds; one that has not for a minute is down or cut off.

Example:
  haechi cluster --nats tls://n1:4222,tls://n2:4222,tls://n3:4222 --nats-creds nats.creds`

// quietFor is how long a node may say nothing before it counts as gone.
const quietFor = time.Minute

func runCluster(args []string, _ io.Reader, stdout, stderr io.Writer) int {
	o := newOptions("cluster", "--nats URL,URL,URL [--nats-creds FILE] [--nats-ca FILE] [--json]", clusterHelp)
	var from natsOptions
	from.declare(o)
	asJSON := o.Bool("json", false, "print the result as JSON")
	if _, code, ok := o.parse(args, 0, 0, stdout, stderr); !ok {
		return code
	}
	if *from.servers == "" {
		return o.wrong(stderr, "give the NATS servers with --nats")
	}
	k, err := cluster.Open(from.config("haechi cluster", cluster.Replicas, slog.New(slog.DiscardHandler)))
	if err != nil {
		return o.failed(stderr, err)
	}
	defer k.Close()
	roll, err := k.Roll()
	if err != nil {
		return o.failed(stderr, err)
	}
	if *asJSON {
		err = json.NewEncoder(stdout).Encode(roll)
	} else {
		err = printRoll(stdout, roll, time.Now())
	}
	if err != nil {
		return o.failed(stderr, err)
	}
	return exitDone
}

func printRoll(w io.Writer, r cluster.Roll, now time.Time) error {
	fmt.Fprintf(w, "newest release %d; %d replicas of the log up to date; %d reports wait for the desk\n", r.Head.Sequence, r.Replicas, r.Reports)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "node\trelease\tclients\tdesk\tlast seen")
	for _, n := range r.Nodes {
		desk, seen := "", "now"
		if n.Desk {
			desk = "yes"
		}
		if ago := now.Sub(n.At).Round(time.Second); ago > quietFor {
			seen = ago.String() + " ago: down or cut off"
		}
		fmt.Fprintf(t, "%s\t%d\t%d\t%s\t%s\n", n.Node, n.Release, n.Clients, desk, seen)
	}
	return t.Flush()
}

// natsOptions are the flags that say where the cluster is.
type natsOptions struct{ servers, creds, ca *string }

func (n *natsOptions) declare(o *options) {
	n.servers = o.String("nats", "", "share the log with the other nodes of a cluster over the NATS servers at `URL,URL…`")
	n.creds = o.String("nats-creds", "", "with the credentials in `FILE`: of NATS's own form, or one line USER:PASSWORD")
	n.ca = o.String("nats-ca", "", "believe NATS servers that the certificates in `FILE` vouch for (default the system's)")
}

func (n *natsOptions) config(node string, replicas int, log *slog.Logger) cluster.Config {
	return cluster.Config{Servers: strings.Split(*n.servers, ","), Creds: *n.creds, CA: *n.ca, Node: node, Replicas: replicas, Log: log}
}

// state is what the node tells the other nodes of itself.
func (n *node) state(desk bool) cluster.State {
	head := n.publisher.Head(trust.Preview)
	return cluster.State{Release: head.Sequence, Pack: head.Pack, Clients: n.hub.Clients(), Desk: desk}
}
