using System.CommandLine;
using OrleansLake.Benchmarks;
using OrleansLake.Benchmarks.Commit;
using OrleansLake.Benchmarks.Compact;
using OrleansLake.Benchmarks.Convert;
using OrleansLake.Benchmarks.Decode;
using OrleansLake.Benchmarks.Encode;
using OrleansLake.Benchmarks.Ingest;
using OrleansLake.Benchmarks.Scan;

var root = new RootCommand("OrleansLake's benchmarks; every figure in BENCHMARKS.md names its command")
{
    CommitBenchmark.Create(),
    ConvertBenchmark.Create(),
    DecodeBenchmark.Create(),
    EncodeBenchmark.Create(),
    Fuzz.Create(),
    FuzzJson.Create(),
    CompactBenchmark.Create(),
    FuzzParquet.Create(),
    IngestBenchmark.Create(),
    PollBenchmark.Create(),
    ScanBenchmark.Create(),
    Simulate.Create(),
    UpkeepBenchmark.Create(),
    SimulateUpkeep.Create(),
};
return await root.Parse(args).InvokeAsync();
