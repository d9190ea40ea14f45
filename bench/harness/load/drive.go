package main

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// A caller sends the request with this number and waits for its answer.
type caller func(number int64) error

type result struct {
	Requests int64   `json:"requests"`
	Seconds  float64 `json:"seconds"`
	Failed   int64   `json:"failed"`
	First    string  `json:"first,omitempty"`
	P50      float64 `json:"p50"`
	P99      float64 `json:"p99"`
}

// As fast as the callers get answers, or, with a rate, at intended moments: the
// time of a request then counts from the moment at which it should have begun.
func drive(callers []caller, rate float64, length time.Duration) {
	var next, failed atomic.Int64
	var first atomic.Value
	times := make([][]float64, len(callers))
	var group sync.WaitGroup
	began := time.Now()
	end := began.Add(length)
	for at, call := range callers {
		group.Add(1)
		go func() {
			defer group.Done()
			for {
				number := next.Add(1) - 1
				intended := time.Now()
				if rate > 0 {
					intended = began.Add(time.Duration(float64(number) / rate * float64(time.Second)))
					time.Sleep(time.Until(intended))
				}
				if !intended.Before(end) {
					return
				}
				if err := call(number); err != nil {
					first.CompareAndSwap(nil, err.Error())
					failed.Add(1)
					continue
				}
				times[at] = append(times[at], float64(time.Since(intended))/float64(time.Microsecond))
			}
		}()
	}
	group.Wait()
	seconds := time.Since(began).Seconds()
	all := slices.Concat(times...)
	slices.Sort(all)
	percentile := func(part float64) float64 {
		if len(all) == 0 {
			return 0
		}
		return all[max(0, int(math.Ceil(part*float64(len(all))))-1)]
	}
	text, _ := first.Load().(string)
	line, _ := json.Marshal(result{int64(len(all)), seconds, failed.Load(), text, percentile(0.5), percentile(0.99)})
	fmt.Fprintln(os.Stdout, string(line))
}
