// A chat with streamed answers: chat MODEL.gguf [ASSISTANT.gguf]
package main

import (
	"bufio"
	"context"
	"fmt"
	"gemma4"
	"os"
)

func chat(path, assistant string) error {
	model, err := gemma4.Load(context.Background(), path, gemma4.LoadOptions{Assistant: assistant,
		OnProgress: func(done, total uint64) {
			fmt.Fprintf(os.Stderr, "\rloading: %3.0f %%", 100*float64(done)/float64(total))
		}})
	if err != nil {
		return err
	}
	defer model.Close()
	session, err := model.NewSession(gemma4.SessionOptions{ContextTokens: 4096})
	if err != nil {
		return err
	}
	defer session.Close()
	var options gemma4.GenerateOptions
	if options.Sampling, err = model.RecommendedSampling(); err != nil {
		return err
	}
	options.Sampling.Seed = 7 // the same seed gives the same answers, on any number of threads

	print := func(event gemma4.Event) error {
		if event.Kind == gemma4.Text {
			fmt.Print(event.Text)
		}
		return nil
	}
	fmt.Print("\n> ")
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); fmt.Print("\n> ") {
		if err := session.Append("user", lines.Text()); err != nil {
			return err
		}
		if err := session.Generate(context.Background(), options, print); err != nil {
			return err
		}
	}
	return nil
}

func main() {
	arguments := append(os.Args[1:], "")
	if len(os.Args) < 2 || len(os.Args) > 3 {
		fmt.Fprintln(os.Stderr, "usage: chat MODEL.gguf [ASSISTANT.gguf]")
		os.Exit(2)
	}
	if err := chat(arguments[0], arguments[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
