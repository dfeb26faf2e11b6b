using System.CommandLine;
using OrleansLake.Terminal;

namespace OrleansLake.Silo;

/// <summary>health: asks a silo how it is; what a container's health check runs, since its image has no curl.</summary>
internal static class HealthCommand
{
    internal static Command Create()
    {
        var url = new Option<Uri>("--url") { Description = "What to ask", DefaultValueFactory = _ => new Uri("http://127.0.0.1:8080/health/live") };
        var command = new Command("health", "Asks a silo whether it is well: exit code 0 or 1") { url };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using var http = new HttpClient { Timeout = TimeSpan.FromSeconds(4) };
            using HttpResponseMessage answer = await http.GetAsync(parsed.GetRequiredValue(url), cancellationToken);
            await parsed.InvocationConfiguration.Output.WriteLineAsync((await answer.Content.ReadAsStringAsync(cancellationToken)).ReplaceLineEndings(" "));
            return answer.IsSuccessStatusCode ? 0 : CommandRunner.Failed;
        });
        return command;
    }
}
