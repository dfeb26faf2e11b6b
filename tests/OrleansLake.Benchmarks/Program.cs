using System.CommandLine;
using OrleansLake.Benchmarks;

var root = new RootCommand("OrleansLake's benchmarks; every figure in BENCHMARKS.md names its command") { Simulate.Create() };
return root.Parse(args).Invoke();
