using OrleansLake.Contracts;
using OrleansLake.Ingest.Quality;

namespace OrleansLake.Grains;

// Dead letters that go on to a topic. One sender a pipeline; a twin costs turns of the two, since each ends what the other had on its way.
internal sealed partial class PipelineGrain
{
    private static readonly TimeSpan ShortestForwardPeriod = TimeSpan.FromSeconds(1);

    private IGrainTimer? _forwardTimer;
    private bool _forwardFailed;

    private void StartForwarding(PipelineDefinition definition)
    {
        _forwardTimer?.Dispose();
        TimeSpan period = definition.FlushInterval < ShortestForwardPeriod ? ShortestForwardPeriod : definition.FlushInterval;
        _forwardTimer = definition.DeadLetters.Mode == DeadLetterMode.Topic ? this.RegisterGrainTimer(ForwardAsync, new GrainTimerCreationOptions(period, period) { Interleave = true }) : null;
    }

    private async Task ForwardAsync(CancellationToken cancellationToken)
    {
        if (state.State.Definition is not { DeadLetters.Mode: DeadLetterMode.Topic } definition)
        {
            return;
        }

        const string Rule = "send";
        try
        {
            int sent = await forwards.RunAsync(definition, cancellationToken);
            if (sent > 0)
            {
                logger.LogForwarded(Name, sent, definition.DeadLetters.Topic!);
            }

            if (_forwardFailed)
            {
                _forwardFailed = false;
                alerts.Tell(new Alert(AlertKind.DeadLetters, Name, Rule, $"dead letters are sent to topic {definition.DeadLetters.Topic} again", time.GetUtcNow(), IsOver: true));
            }
        }
        catch (Exception error) when (error is not OutOfMemoryException && !cancellationToken.IsCancellationRequested)
        {
            _forwardFailed = true;
            alerts.Tell(new Alert(AlertKind.DeadLetters, Name, Rule, $"dead letters wait in their table, they could not be sent to topic {definition.DeadLetters.Topic}: {error.Message}", time.GetUtcNow()));
        }
    }
}
