// stream MODEL COUNT: answers with the seeds 1 ... COUNT; prints their pieces, their bytes and the
// seconds that making and taking them took.
package main

import (
	"context"
	"fmt"
	"gemma4"
	"os"
	"strconv"
	"time"
)

func stream(path string, count uint64) error {
	model, err := gemma4.Load(context.Background(), path, gemma4.LoadOptions{})
	if err != nil {
		return err
	}
	defer model.Close()
	options := gemma4.GenerateOptions{MaxTokens: 256}
	if options.Sampling, err = model.RecommendedSampling(); err != nil {
		return err
	}
	pieces, bytes, taken := 0, 0, time.Duration(0)
	for options.Sampling.Seed = 1; options.Sampling.Seed <= count; options.Sampling.Seed++ {
		session, err := model.NewSession(gemma4.SessionOptions{ContextTokens: 1024})
		if err != nil {
			return err
		}
		if err := session.Append("user", "Tell me a story."); err != nil {
			return err
		}
		start := time.Now()
		err = session.Generate(context.Background(), options, func(event gemma4.Event) error {
			pieces++
			bytes += len(event.Text)
			return nil
		})
		taken += time.Since(start)
		if err != nil {
			return err
		}
		session.Close()
	}
	fmt.Printf("%d %d %.6f\n", pieces, bytes, taken.Seconds())
	return nil
}

func main() {
	count, err := strconv.ParseUint(os.Args[2], 10, 32)
	if err == nil {
		err = stream(os.Args[1], count)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
