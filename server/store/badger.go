// SPDX-License-Identifier: Apache-2.0

package store

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dgraph-io/badger/v4"
	"github.com/dgraph-io/badger/v4/options"
)

// A few megabytes of rules need little memory and disk; Badger's defaults are
// for a thousand times as much.
const (
	memTable  = 16 << 20
	cache     = 4 << 20
	valueLog  = 32 << 20 // also the largest single value: the baseline's files
	threshold = 32 << 10 // larger values go to the value log and do not count against a transaction's size
	gcEvery   = 10 * time.Minute
	gcRatio   = 0.5
)

func badgerOptions(dir string, log *slog.Logger) badger.Options {
	o := badger.DefaultOptions(dir).
		WithSyncWrites(true). // a release that was answered with success survives a power cut
		WithMemTableSize(memTable).
		WithNumMemtables(2).
		WithNumLevelZeroTables(2).
		WithNumLevelZeroTablesStall(4).
		WithNumCompactors(2).
		WithBlockCacheSize(cache).
		WithCompression(options.None).
		WithValueLogFileSize(valueLog).
		WithValueThreshold(threshold).
		WithMetricsEnabled(false)
	if log == nil {
		return o.WithLogger(nil)
	}
	return o.WithLogger(badgerLog{log})
}

// badgerLog passes on what an operator may have to act on.
type badgerLog struct{ log *slog.Logger }

func (b badgerLog) Errorf(format string, v ...any)   { b.log.Error(line(format, v)) }
func (b badgerLog) Warningf(format string, v ...any) { b.log.Warn(line(format, v)) }
func (b badgerLog) Infof(format string, v ...any)    { b.log.Debug(line(format, v)) }
func (b badgerLog) Debugf(string, ...any)            {}

func line(format string, v []any) string {
	return "badger: " + strings.TrimSpace(fmt.Sprintf(format, v...))
}

// collector runs Badger's value-log collection, which Badger leaves to its user.
type collector struct {
	runs     atomic.Uint64
	rewrites atomic.Uint64

	once sync.Once     // closes quit
	quit chan struct{} // closed by stop
	done chan struct{} // closed when the goroutine has ended
}

func collect(db *badger.DB, dir string, log *slog.Logger) *collector {
	c := &collector{quit: make(chan struct{}), done: make(chan struct{})}
	go func() {
		defer close(c.done)
		tick := time.NewTicker(gcEvery)
		defer tick.Stop()
		for {
			select {
			case <-c.quit:
				return
			case <-tick.C:
			}
			err := roomFor(dir, Reserve) // it writes before it deletes
			if err == nil {
				err = db.RunValueLogGC(gcRatio)
				c.runs.Add(1)
			}
			if err == nil {
				c.rewrites.Add(1)
			}
			if err != nil && !errors.Is(err, badger.ErrNoRewrite) && log != nil {
				log.Warn("value log collection", "err", err)
			}
		}
	}()
	return c
}

// stop ends the collection and returns when it has ended.
func (c *collector) stop() {
	c.once.Do(func() { close(c.quit) })
	<-c.done
}
