module gemma4

go 1.19
