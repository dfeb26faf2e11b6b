using OrleansLake.Contracts;
using OrleansLake.Ingest.Quality;

namespace OrleansLake.Grains.Tests;

public sealed class HeartbeatTests
{
    private static readonly DateTimeOffset Start = DateTimeOffset.UnixEpoch.AddDays(20000);

    private readonly List<Alert> _alerts = [];
    private readonly Heartbeat _heartbeat;
    private TimeSpan _at;

    public HeartbeatTests() => _heartbeat = new Heartbeat("events", _alerts.Add);

    [Fact]
    public void Topic_that_falls_silent_raises_an_alert_which_ends_with_its_next_record()
    {
        var settings = new HeartbeatSettings { NoDataFor = TimeSpan.FromMinutes(5) };
        for (int look = 0; look < 20; look++)
        {
            Look(settings, a: 100, b: 10 * look);
        }

        Alert alert = Assert.Single(_alerts);
        Assert.Equal((AlertKind.NoData, "no data of a"), (alert.Kind, alert.Rule));
        Look(settings, a: 101, b: 1000);
        Assert.True(_alerts[^1].IsOver);
    }

    [Fact]
    public void Rate_outside_its_band_raises_an_alert_once_a_whole_window_was_seen()
    {
        var settings = new HeartbeatSettings { LeastPerMinute = 50, MostPerMinute = 500, Window = TimeSpan.FromMinutes(2) };
        long position = 0;
        for (int look = 0; look < 10; look++)
        {
            Look(settings, a: position += 100); // 200 a minute
        }

        Assert.Empty(_alerts);
        for (int look = 0; look < 10; look++)
        {
            Look(settings, a: position += 5);
        }

        Assert.Equal(AlertKind.Volume, Assert.Single(_alerts).Kind);
        for (int look = 0; look < 10; look++)
        {
            Look(settings, a: position += 100);
        }

        Assert.True(_alerts[^1].IsOver);
        for (int look = 0; look < 10; look++)
        {
            Look(settings, a: position += 1000);
        }

        Assert.Equal(3, _alerts.Count);
        Assert.Contains("expected 50 to 500", _alerts[^1].Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Seek_back_is_no_flood_and_no_drought()
    {
        var settings = new HeartbeatSettings { LeastPerMinute = 10, MostPerMinute = 500, Window = TimeSpan.FromMinutes(2) };
        long position = 1_000_000;
        for (int look = 0; look < 30; look++)
        {
            Look(settings, a: position += look == 15 ? -900_000 : 100);
        }

        Assert.Empty(_alerts);
    }

    [Fact]
    public void Record_that_waits_too_long_raises_an_alert()
    {
        var settings = new HeartbeatSettings { MaxFreshness = TimeSpan.FromSeconds(60) };
        foreach (double age in new double[] { 10, 59, 61, 90, 20 })
        {
            _heartbeat.Look(settings, [Partition("a", 1) with { FreshnessSeconds = age }, Partition("b", 1)], Start + (_at += TimeSpan.FromSeconds(30)));
        }

        Assert.Equal([false, true], _alerts.Select(alert => alert.IsOver));
    }

    [Fact]
    public async Task Hub_tells_each_sink_what_begins_and_what_is_over_and_nothing_twice()
    {
        var failing = new Sink { Fails = true };
        var good = new Sink();
        await using (var hub = new AlertHub([failing, good], TimeProvider.System, Microsoft.Extensions.Logging.Abstractions.NullLogger<AlertHub>.Instance))
        {
            var alert = new Alert(AlertKind.Freshness, "events", "freshness", "old", Start);
            hub.Tell(alert);
            hub.Tell(alert);
            hub.Tell(alert with { IsOver = true });
            hub.Tell(alert with { IsOver = true });
            hub.Tell(alert with { Rule = "other", IsOver = true });
        }

        Assert.Equal(2, failing.Told.Count);
        Assert.Equal([false, true], good.Told.Select(alert => alert.IsOver));
        Assert.Equal("Freshness", good.Told[0].Kind);
    }

    private void Look(HeartbeatSettings settings, long a, long b = 0) => _heartbeat.Look(settings, [Partition("a", a), Partition("b", b)], Start + (_at += TimeSpan.FromSeconds(30)));

    private static TopicPartitionStatus Partition(string topic, long position) => new() { Topic = topic, Partition = 0, Position = position };

    private sealed class Sink : IAlertSink
    {
        public bool Fails { get; init; }

        public List<LakeAlert> Told { get; } = [];

        public Task TellAsync(LakeAlert alert, CancellationToken cancellationToken)
        {
            Told.Add(alert);
            return Fails ? Task.FromException(new HttpRequestException("out of order")) : Task.CompletedTask;
        }
    }
}
