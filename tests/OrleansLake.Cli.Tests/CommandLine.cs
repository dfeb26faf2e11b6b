using System.Text.Json;
using OrleansLake.Cli.Commands;
using OrleansLake.Terminal;

namespace OrleansLake.Cli.Tests;

/// <summary><c>./lake table …</c> in this process, over a warehouse that is gone after the test.</summary>
public abstract class CommandLine : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("orleanslake-").FullName;

    protected string Warehouse => Path.Combine(_directory, "warehouse");

    protected string Elsewhere(string name) => Path.Combine(_directory, name);

    protected static string Shared(string path)
    {
        string? found = Testing.SharedData.Find(path);
        Assert.SkipWhen(found is null, $"shared/data/{path} is absent");
        return found!;
    }

    protected async Task<(int Code, string Output, string Error)> RunAsync(params string[] args)
    {
        using StringWriter output = new(), error = new();
        int code = await CommandRunner.RunAsync(["table", .. args, "--warehouse", Warehouse], [TableCommand.Create()], stopLimit: null, output, error);
        return (code, output.ToString(), error.ToString());
    }

    /// <summary>What a person reads.</summary>
    protected async Task<string> TextAsync(params string[] args)
    {
        var (code, output, error) = await RunAsync(args);
        Assert.True(code == 0, error);
        return output;
    }

    /// <summary>What a program reads.</summary>
    protected async Task<JsonElement> JsonAsync(params string[] args) => JsonDocument.Parse(await TextAsync([.. args, "--json"])).RootElement;

    /// <summary>One line that says what is wrong, and an exit code.</summary>
    protected async Task<string> FailureAsync(int expected, params string[] args)
    {
        var (code, output, error) = await RunAsync(args);
        Assert.Equal((expected, ""), (code, output));
        Assert.StartsWith("lake: ", error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", error, StringComparison.Ordinal);
        Assert.Equal(expected == CommandRunner.Failed ? 1 : 2, error.TrimEnd().Split('\n').Length);
        return error;
    }

    public void Dispose()
    {
        Directory.Delete(_directory, recursive: true);
        GC.SuppressFinalize(this);
    }
}
