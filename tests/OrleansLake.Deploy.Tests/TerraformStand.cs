using System.Diagnostics;
using System.Text.Json.Nodes;
using OrleansLake.Testing.Aws;
using OrleansLake.Testing.Processes;

[assembly: AssemblyFixture(typeof(OrleansLake.Deploy.Tests.TerraformStand))]

namespace OrleansLake.Deploy.Tests;

/// <summary>The modules of deploy/terraform, applied once against a server that others wrote: once for Fargate, once for EC2.</summary>
public sealed class TerraformStand : IAsyncLifetime
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(4);

    private readonly string _directory = Directory.CreateTempSubdirectory("orleanslake-terraform-").FullName;
    private Dictionary<string, JsonObject> _resources = [];
    private MotoServer? _server;

    /// <summary>Where the modules are.</summary>
    public static string Modules { get; } = Path.Combine(Repository.Root, "deploy", "terraform");

    /// <summary>Why it is not there; null where it is.</summary>
    public static string? Absence { get; } =
        Which("terraform") is null ? "terraform is not installed" : Mirror is null ? "terraform has no local mirror of the AWS provider" : MotoServer.Absence;

    /// <summary>The server on which they were applied: what they made is still there.</summary>
    public Uri Server => _server!.Address;

    /// <summary>A resource as it was made.</summary>
    public JsonObject this[string address] => _resources.TryGetValue(address, out JsonObject? values)
        ? values
        : throw new KeyNotFoundException($"{address}: expected one of {string.Join(", ", _resources.Keys)}");

    /// <summary>Every resource whose address begins so.</summary>
    public IEnumerable<JsonObject> Of(string prefix) => _resources.Where(entry => entry.Key.StartsWith(prefix, StringComparison.Ordinal)).Select(entry => entry.Value);

    /// <summary>What a role may do, as IAM was told.</summary>
    public JsonArray StatementsOf(string module, string role) =>
        JsonNode.Parse(this[$"module.{module}.module.access.aws_iam_role_policy.{role}"]["policy"]!.GetValue<string>())!["Statement"]!.AsArray();

    /// <summary>What IAM writes as a text or as a list of them.</summary>
    public static string[] Texts(JsonNode? node) => node is JsonArray list ? [.. list.Select(item => item!.GetValue<string>())] : [node!.GetValue<string>()];

    public async ValueTask InitializeAsync()
    {
        if (Absence is not null)
        {
            return;
        }

        _server = await MotoServer.StartAsync();
        string endpoint = Server.GetLeftPart(UriPartial.Authority);

        // moto has no tags of scaling targets, after which the provider asks.
        await using AwsServer scaling = await AwsServer.StartBeforeAsync(Server);
        scaling.Fail(new AwsFault(request => request.Action == "ListTagsForResource") { Instead = AwsReply.Json(200, """{"Tags":{}}"""), Times = int.MaxValue });
        string text = await File.ReadAllTextAsync(Path.Combine(AppContext.BaseDirectory, "both.tf"));
        await File.WriteAllTextAsync(Path.Combine(_directory, "main.tf"), text.Replace("ENDPOINT", endpoint, StringComparison.Ordinal)
            .Replace("SCALING", scaling.Address.GetLeftPart(UriPartial.Authority), StringComparison.Ordinal).Replace("MODULES", Modules, StringComparison.Ordinal));
        await RunAsync(_directory, "init", "-input=false", $"-plugin-dir={Mirror}");
        await RunAsync(_directory, "apply", "-auto-approve", "-input=false");
        JsonNode state = JsonNode.Parse(await RunAsync(_directory, "show", "-json"))!;
        _resources = ResourcesOf(state["values"]!["root_module"]!).ToDictionary(entry => entry.Address, entry => entry.Values);
    }

    public async ValueTask DisposeAsync()
    {
        Directory.Delete(_directory, recursive: true);
        if (_server is not null)
        {
            await _server.DisposeAsync();
        }
    }

    /// <summary>Runs terraform; what it says when it fails is the failure.</summary>
    internal static async Task<string> RunAsync(string directory, params string[] arguments)
    {
        var start = new ProcessStartInfo("terraform", arguments) { WorkingDirectory = directory, RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["TF_CLI_CONFIG_FILE"] = "/dev/null"; // not this person's
        start.Environment["TF_IN_AUTOMATION"] = "1";
        start.Environment["NO_COLOR"] = "1";
        using Process process = Process.Start(start)!;
        Task<string> output = process.StandardOutput.ReadToEndAsync(), errors = process.StandardError.ReadToEndAsync();
        using var limit = new CancellationTokenSource(Limit);
        try
        {
            await process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"terraform {arguments[0]} did not end within {Limit}");
        }

        return process.ExitCode == 0 ? await output : throw new InvalidOperationException($"terraform {arguments[0]}: {await output}{await errors}");
    }

    /// <summary>Providers that were laid beside terraform, as a mirror of its registry.</summary>
    internal static string? Mirror => new[] { "/opt", "/usr/share", "/usr/local/share", Environment.GetFolderPath(Environment.SpecialFolder.UserProfile) }
        .Where(Directory.Exists).SelectMany(Directory.EnumerateDirectories)
        .FirstOrDefault(directory => Directory.Exists(Path.Combine(directory, "registry.terraform.io", "hashicorp", "aws")));

    private static string? Which(string command) => (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Select(directory => Path.Combine(directory, command)).FirstOrDefault(File.Exists);

    private static IEnumerable<(string Address, JsonObject Values)> ResourcesOf(JsonNode module) =>
    [
        .. (module["resources"]?.AsArray() ?? []).Select(resource => (resource!["address"]!.GetValue<string>(), resource["values"]!.AsObject())),
        .. (module["child_modules"]?.AsArray() ?? []).SelectMany(child => ResourcesOf(child!)),
    ];
}
