using OrleansLake.Iceberg;
using OrleansLake.Ingest.Write;

namespace OrleansLake.Ingest.Tests.Write;

public sealed class FileLocationsTests
{
    [Fact]
    public void Files_lie_below_their_partitions()
    {
        Assert.Equal("s3://b/db/t/data/day=2026-01-01/a.parquet", Locations().Of("day=2026-01-01", "a.parquet"));
        Assert.Equal("s3://b/db/t/data/a.parquet", Locations().Of("", "a.parquet"));
        Assert.Equal("s3://c/elsewhere/a.parquet", Locations(("write.data.path", "s3://c/elsewhere/")).Of("", "a.parquet"));
    }

    [Fact]
    public void With_the_layout_for_object_stores_a_hash_comes_first()
    {
        // The hashes are those that Iceberg's own tests have for these names.
        Assert.Equal("0101/0110/1001/10110010", FileLocations.HashOf("a"));
        Assert.Equal("1110/0111/1110/00000011", FileLocations.HashOf("b"));
        Assert.Equal("0010/1101/0110/01011111", FileLocations.HashOf("c"));
        Assert.Equal("1001/0001/0100/01110011", FileLocations.HashOf("d"));
        var locations = Locations(("write.object-storage.enabled", "true"));
        Assert.Equal("s3://b/db/t/data/0101/0110/1001/10110010/a", locations.Of("", "a"));
        Assert.Equal($"s3://b/db/t/data/{FileLocations.HashOf("day=1/a")}/day=1/a", locations.Of("day=1", "a"));
    }

    [Fact]
    public void Partitions_may_stay_out_of_the_path()
    {
        var locations = Locations(("write.object-storage.enabled", "true"), ("write.object-storage.partitioned-paths", "false"));
        Assert.Equal("s3://b/db/t/data/0101/0110/1001/10110010-a", locations.Of("day=1", "a"));
    }

    [Fact]
    public void Files_outside_the_table_carry_its_name()
    {
        var locations = Locations(("write.object-storage.enabled", "true"), ("write.data.path", "s3://shared"));
        Assert.Equal("s3://shared/0101/0110/1001/10110010/db/t/a", locations.Of("", "a"));
    }

    private static FileLocations Locations(params (string Name, string Value)[] properties) => new(TableMetadataCreation.Create(
        new TableCreation
        {
            Schema = new Schema { SchemaId = 0, Fields = [new NestedField(1, "id", true, new LongType())] },
            Properties = properties.ToDictionary(pair => pair.Name, pair => pair.Value),
        },
        "s3://b/db/t", Guid.NewGuid(), DateTimeOffset.UnixEpoch));
}
