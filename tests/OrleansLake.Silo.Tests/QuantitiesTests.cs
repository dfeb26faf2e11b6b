using OrleansLake.Silo.Configuration;

namespace OrleansLake.Silo.Tests;

public sealed class QuantitiesTests
{
    [Theory]
    [InlineData("10s", 10_000)]
    [InlineData("250ms", 250)]
    [InlineData("1.5m", 90_000)]
    [InlineData("2h", 7_200_000)]
    [InlineData("00:00:10", 10_000)]
    public void Durations_are_read_as_people_write_them(string text, double milliseconds) =>
        Assert.Equal(TimeSpan.FromMilliseconds(milliseconds), Quantities.ParseDuration(text));

    [Theory]
    [InlineData("10")]
    [InlineData("-1s")]
    [InlineData("s")]
    [InlineData("ten seconds")]
    [InlineData("99999999999999999999d")]
    public void What_is_no_duration_is_not_read_as_one(string text) => Assert.Null(Quantities.ParseDuration(text));

    [Theory]
    [InlineData("256MB", 256_000_000)]
    [InlineData("64 MiB", 67_108_864)]
    [InlineData("1.5GiB", 1_610_612_736)]
    [InlineData("4096", 4096)]
    [InlineData("10B", 10)]
    public void Sizes_are_read_as_people_write_them(string text, long bytes) => Assert.Equal(bytes, Quantities.ParseSizeBytes(text));

    [Theory]
    [InlineData("MB")]
    [InlineData("-1")]
    [InlineData("1XB")]
    [InlineData("99999999999999999999TB")]
    public void What_is_no_size_is_not_read_as_one(string text) => Assert.Null(Quantities.ParseSizeBytes(text));
}
