using System.Reflection;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using OrleansLake.Contracts;

namespace OrleansLake.Grains.Tests;

/// <summary>What silos of two versions say to one another while a cluster is upgraded: members that one of them does not know.</summary>
public sealed class MessageUpgradeTests
{
    // Written by the build of November 2026, before definitions had ids above 35.
    private const string Recorded =
        "IOhADWV2ZW50c0EDMiEABUEDYUADYuBBCWdsdWVBE2RiLmV2ZW50c0FFQ1JFQVRFIFRBQkxFIGRiLmV2ZW50cyAoaWQgQklHSU5UKQEDgYAdLAQAAAAAAQUBBQFqAscVAScV6AABwQGBmpmZmZmZuT8BIgOBAEbDIwAAAADgIegg4CHowAHBAcEBgQBe0LIAAAAAwQHgwQHgwQHBAcEBwQHg";

    private static readonly Type? s_serializer = Type.GetType("Orleans.Serialization.Serializer, Orleans.Serialization"); // a stand-in of Orleans has none: it copies

    [Fact]
    public void A_definition_of_an_earlier_build_is_read_by_this_one()
    {
        PipelineDefinition read = Serializer().Read<PipelineDefinition>(Convert.FromBase64String(Recorded));
        Assert.Equal(("events", "2", "glue", "db.events", "CREATE TABLE db.events (id BIGINT)", true), (read.Name, read.Generation, read.Catalog, read.Table, read.Ddl, read.CreateTable));
        Assert.Equal(["a", "b"], read.Topics);
        Assert.Equal((TimeSpan.FromSeconds(7), PipelineStart.Latest, DataLossAction.Continue, 77L), (read.FlushInterval, read.Start, read.OnDataLoss, read.TargetFileSizeBytes));
        Assert.Equal(DeadLetterMode.Table, read.DeadLetters.Mode);
    }

    [Fact]
    public void A_silo_that_does_not_know_a_member_passes_over_it_and_one_that_misses_it_has_its_default()
    {
        Reflected serializer = Serializer();
        var today = new PipelineDefinition { Name = "events", Topics = ["a"], Table = "db.events", Records = new RecordSettings(), TargetFileSizeBytes = 5 };
        Earlier earlier = serializer.Read<Earlier>(serializer.Write(today));
        Assert.Equal(("events", "db.events", null), (earlier.Name, earlier.Table, earlier.Gone));
        Assert.Equal(["a"], earlier.Topics);

        // It had a member that is no more, and lacked most of those of today.
        PipelineDefinition read = serializer.Read<PipelineDefinition>(serializer.Write(new Earlier { Name = "events", Topics = ["b"], Table = "db.t", Gone = new Dictionary<string, int> { ["x"] = 1 } }));
        Assert.Equal(("events", "db.t", "local", 512L << 20), (read.Name, read.Table, read.Catalog, read.TargetFileSizeBytes));
        Assert.Equal(["b"], read.Topics);
    }

    [Fact]
    public void State_in_a_provider_that_keeps_bytes_is_read_by_older_and_newer_silos_and_another_format_is_refused()
    {
        var serializer = new JsonGrainStateSerializer();
        const string Written = """
            {
              "format": 1,
              "value": {
                "definition": { "name": "events", "generation": "1", "topics": [ "events" ], "catalog": "glue", "table": "db.events", "flushInterval": "00:00:10", "start": "earliest", "onDataLoss": "stop", "targetFileSizeBytes": 5, "later": { "a": [ 1 ] } },
                "wanted": "paused", "partitions": { "events": 8 }, "alsoLater": true
              },
              "aside": 1
            }
            """;
        PipelineGrainState read = serializer.Deserialize<PipelineGrainState>(new BinaryData(Written));
        Assert.Equal(("events", WantedState.Paused, 8), (read.Definition!.Name, read.Wanted, read.Partitions["events"]));
        Assert.True(serializer.Deserialize<PipelineGrainState>(serializer.Serialize(read)).Definition!.SameAs(read.Definition));

        foreach ((string wrong, string expected) in new[]
        {
            (Written.Replace("\"format\": 1", "\"format\": 2", StringComparison.Ordinal), "expected state of format 1 or a newer silo, found format 2"),
            (Written[..40], "expected state as JSON"),
            ("{ \"format\": 1, \"value\": null }", "found no value"),
            (Written.Replace("\"paused\"", "\"perhaps\"", StringComparison.Ordinal), "expected state as JSON"),
        })
        {
            Assert.Contains(expected, Assert.Throws<OrleansException>(() => serializer.Deserialize<PipelineGrainState>(new BinaryData(wrong))).Message, StringComparison.Ordinal);
        }
    }

    private static Reflected Serializer()
    {
        Assert.SkipWhen(s_serializer is null, "Orleans is a stand-in, which has no serializer");
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        builder.UseOrleans(silo => silo.UseLocalhostClustering());
        return new Reflected(builder.Build().Services.GetRequiredService(s_serializer));
    }

    /// <summary>A definition as a silo of another version might have it.</summary>
    [GenerateSerializer, Alias("orleanslake.tests.EarlierDefinition")]
    public sealed record Earlier
    {
        [Id(0)]
        public required string Name { get; init; }

        [Id(2)]
        public required string[] Topics { get; init; }

        [Id(4)]
        public required string Table { get; init; }

        [Id(999)]
        public Dictionary<string, int>? Gone { get; init; }
    }

    private sealed class Reflected(object serializer)
    {
        public byte[] Write(object value) => (byte[])Method("SerializeToArray", value.GetType(), parameters => parameters.Length == 1).Invoke(serializer, [value])!;

        public T Read<T>(byte[] bytes) => (T)Method("Deserialize", typeof(T), parameters => parameters.Length == 1 && parameters[0].ParameterType == typeof(byte[])).Invoke(serializer, [bytes])!;

        private MethodInfo Method(string name, Type of, Func<ParameterInfo[], bool> wanted) =>
            serializer.GetType().GetMethods().Single(method => method.Name == name && method.IsGenericMethodDefinition && method.GetGenericArguments().Length == 1 && wanted(method.GetParameters())).MakeGenericMethod(of);
    }
}
