using OrleansLake.Ingest.Quality;

namespace OrleansLake.Grains;

// A task that fails is told the way the line's own alerts are: once when it begins to, once when it is over. The hub is the silo's:
// what stands is told again where the grain comes up, and taken back quietly where it went.
internal sealed partial class MaintenanceGrain
{
    private IEnumerable<string> AlertedPipelines => state.State.Definition is { Pipelines: { Length: > 0 } pipelines } ? pipelines : [_table!.ToString()];

    private string RuleOf(string task) => $"upkeep of {_table}: {task}";

    private void TellAlert(string task, string? error)
    {
        foreach (string pipeline in AlertedPipelines)
        {
            alerts.Tell(new Alert(AlertKind.Upkeep, pipeline, RuleOf(task), error is null ? $"{task} works again" : $"{task} fails: {error}", time.GetUtcNow(), IsOver: error is null));
        }
    }

    private void TellStandingAlerts()
    {
        foreach (var (task, at) in state.State.Tasks.Where(pair => pair.Value is { Failures: > 0, Error: not null }))
        {
            TellAlert(task, at.Error);
        }
    }

    private void ForgetAlerts()
    {
        foreach (string pipeline in AlertedPipelines)
        {
            foreach (string task in state.State.Tasks.Keys)
            {
                alerts.Forget(pipeline, RuleOf(task));
            }
        }
    }
}
