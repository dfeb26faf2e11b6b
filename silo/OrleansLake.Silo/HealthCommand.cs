using System.CommandLine;
using System.CommandLine.Parsing;
using OrleansLake.Terminal;

namespace OrleansLake.Silo;

/// <summary>health: asks a silo how it is; what a container's health check runs, since its image has no curl.</summary>
internal static class HealthCommand
{
    internal static Command Create()
    {
        var url = new Option<Uri>("--url")
        {
            Description = "What to ask",
            DefaultValueFactory = _ => new Uri("http://127.0.0.1:8080/health/live"),
            CustomParser = Address,
        };
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

    private static Uri? Address(ArgumentResult result)
    {
        if (Uri.TryCreate(result.Tokens[0].Value, UriKind.Absolute, out Uri? url))
        {
            return url;
        }

        result.AddError($"--url: expected an address such as http://127.0.0.1:8080/health/live, found {result.Tokens[0].Value}");
        return null;
    }
}
