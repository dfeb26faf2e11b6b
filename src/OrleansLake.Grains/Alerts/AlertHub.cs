using System.Diagnostics.Metrics;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using OrleansLake.Contracts;
using OrleansLake.Ingest.Quality;

namespace OrleansLake.Grains;

/// <summary>Takes alerts somewhere beyond the log and the metric: a stream, a webhook.</summary>
public interface IAlertSink
{
    /// <summary>Tells of one. A failure is logged, and the next one is told all the same.</summary>
    Task TellAsync(LakeAlert alert, CancellationToken cancellationToken);
}

/// <summary>
/// Where alerts of this silo come together: logged and counted at once, told to every sink by a worker beside the pumps and grains.
/// </summary>
public sealed partial class AlertHub : IAsyncDisposable
{
    /// <summary>The meter's name.</summary>
    public const string MeterName = "OrleansLake.Alerts";

    private const int Waiting = 1000;
    private static readonly TimeSpan TellLimit = TimeSpan.FromSeconds(15);

    private readonly IAlertSink[] _sinks;
    private readonly ILogger<AlertHub> _logger;
    private readonly TimeProvider _time;
    private readonly string? _silo;
    private readonly Meter _meter = new(MeterName);
    private readonly Counter<long> _raised;
    private readonly Lock _lock = new();
    private readonly Dictionary<(string Pipeline, string Rule), Alert> _active = [];
    private readonly Channel<LakeAlert> _channel = Channel.CreateBounded<LakeAlert>(new BoundedChannelOptions(Waiting) { FullMode = BoundedChannelFullMode.DropOldest, SingleReader = true });
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _worker;

    /// <summary>A hub with its sinks.</summary>
    public AlertHub(IEnumerable<IAlertSink> sinks, TimeProvider time, ILogger<AlertHub> logger, ILocalSiloDetails? silo = null)
    {
        (_sinks, _time, _logger, _silo) = ([.. sinks], time, logger, silo?.SiloAddress.ToString());
        _raised = _meter.CreateCounter<long>("orleanslake.alerts", "{alert}", "Alerts that were raised");
        _meter.CreateObservableGauge("orleanslake.alerts.active", Active, "{alert}", "1: raised and not over");
        _worker = WorkAsync();
    }

    /// <summary>Takes one in and returns: from any thread.</summary>
    public void Tell(Alert alert)
    {
        lock (_lock)
        {
            if (alert.IsOver ? !_active.Remove((alert.Pipeline, alert.Rule)) : !_active.TryAdd((alert.Pipeline, alert.Rule), alert) && _active[(alert.Pipeline, alert.Rule)].Message == alert.Message)
            {
                return; // known
            }

            if (!alert.IsOver)
            {
                _active[(alert.Pipeline, alert.Rule)] = alert;
            }
        }

        if (alert.IsOver)
        {
            LogOver(alert.Pipeline, alert.Rule, alert.Message);
        }
        else
        {
            LogAlert(alert.Pipeline, alert.Rule, alert.Message);
            _raised.Add(1, new("pipeline", alert.Pipeline), new("kind", alert.Kind.ToString()));
        }

        _channel.Writer.TryWrite(new LakeAlert
        {
            Kind = alert.Kind.ToString(),
            Pipeline = alert.Pipeline,
            Rule = alert.Rule,
            Message = alert.Message,
            AtMs = alert.At.ToUnixTimeMilliseconds(),
            IsOver = alert.IsOver,
            Silo = _silo,
        });
    }

    /// <summary>Forgets one without telling: who raised it goes on elsewhere.</summary>
    public void Forget(string pipeline, string rule)
    {
        lock (_lock)
        {
            _active.Remove((pipeline, rule));
        }
    }

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        _channel.Writer.TryComplete();
        // What waits is told, if that does not take long.
        await Task.WhenAny(_worker, Task.Delay(TimeSpan.FromSeconds(2), _time));
        await _stop.CancelAsync();
        await _worker;
        _stop.Dispose();
        _meter.Dispose();
    }

    private IEnumerable<Measurement<long>> Active()
    {
        lock (_lock)
        {
            return [.. _active.Values.GroupBy(alert => (alert.Pipeline, alert.Kind)).Select(group => new Measurement<long>(group.Count(), new("pipeline", group.Key.Pipeline), new("kind", group.Key.Kind.ToString())))];
        }
    }

    private async Task WorkAsync()
    {
        try
        {
            await foreach (LakeAlert alert in _channel.Reader.ReadAllAsync(_stop.Token))
            {
                foreach (IAlertSink sink in _sinks)
                {
                    await TellAsync(sink, alert);
                }
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // The silo goes down.
        }
    }

    private async Task TellAsync(IAlertSink sink, LakeAlert alert)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
        limit.CancelAfter(TellLimit);
        try
        {
            await sink.TellAsync(alert, limit.Token);
        }
        catch (Exception error) when (!_stop.IsCancellationRequested && error is not OutOfMemoryException)
        {
            LogNotTold(alert.Pipeline, alert.Rule, sink.ToString() ?? "a sink", error.Message);
        }
    }

    [LoggerMessage(1, LogLevel.Warning, "Alert: pipeline {Pipeline}, {Rule}: {Message}")]
    private partial void LogAlert(string pipeline, string rule, string message);

    [LoggerMessage(2, LogLevel.Information, "Alert is over: pipeline {Pipeline}, {Rule}: {Message}")]
    private partial void LogOver(string pipeline, string rule, string message);

    [LoggerMessage(3, LogLevel.Warning, "Alert of pipeline {Pipeline}, {Rule}, was not told to {Sink}: {Trouble}")]
    private partial void LogNotTold(string pipeline, string rule, string sink, string trouble);
}
