// SPDX-License-Identifier: Apache-2.0

// Command centrifuge is the other side of the comparison that server/hub/load
// measures: a server on the centrifuge library that does what the hub does for
// a head, and no more. It prints the address that it listens on. Every client
// that connects is subscribed to one channel, which POST /publish fills.
//
// It is set up for many idle connections, as the library's documentation
// advises: pooled write buffers, small read buffers, commands off the read loop
// and write timers in place of a writer goroutine.
package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/centrifugal/centrifuge"
)

// channel is what everybody hears.
const channel = "heads"

// maxHead bounds one publication, in bytes.
const maxHead = 4 << 10

func main() {
	if err := serve(); err != nil {
		fmt.Fprintln(os.Stderr, "centrifuge:", err)
		os.Exit(1)
	}
}

func serve() error {
	node, err := centrifuge.New(centrifuge.Config{})
	if err != nil {
		return err
	}
	node.OnConnecting(func(context.Context, centrifuge.ConnectEvent) (centrifuge.ConnectReply, error) {
		return centrifuge.ConnectReply{
			Credentials:     &centrifuge.Credentials{},
			Subscriptions:   map[string]centrifuge.SubscribeOptions{channel: {}},
			QueueInitialCap: 1,
			WriteDelay:      time.Millisecond, // what WriteWithTimer needs
			WriteWithTimer:  true,
		}, nil
	})
	if err := node.Run(); err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.Handle("GET /connection", centrifuge.NewWebsocketHandler(node, centrifuge.WebsocketConfig{
		CheckOrigin:                func(*http.Request) bool { return true },
		ReadBufferSize:             128,
		UseWriteBufferPool:         true,
		WriteTimeout:               10 * time.Second,
		ProcessCommandsOffReadLoop: true,
		PingPongConfig:             centrifuge.PingPongConfig{PingInterval: 20 * time.Second, PongTimeout: 10 * time.Second},
	}))
	mux.HandleFunc("POST /publish", func(w http.ResponseWriter, r *http.Request) {
		data, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxHead))
		if err == nil {
			_, err = node.Publish(channel, data)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(listener.Addr())
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
		return server.Close()
	}
}
