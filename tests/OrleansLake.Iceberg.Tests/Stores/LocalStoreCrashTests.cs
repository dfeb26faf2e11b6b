using System.Diagnostics;
using System.Globalization;

namespace OrleansLake.Iceberg.Tests.Stores;

/// <summary>Processes that write objects and are killed at any instant: what is seen is whole.</summary>
public sealed class LocalStoreCrashTests : IDisposable
{
    private const string Variable = "ORLEANSLAKE_TEST_CRASH_STORE";

    private readonly string _directory = Directory.CreateTempSubdirectory("lake-store-crash-").FullName;
    private readonly LocalObjectStore _store = new();

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    /// <summary>The child: each object is its own length in bytes of one value, written in pieces; half of them replace others.</summary>
    [Fact(Explicit = true)]
    public async Task Child_that_writes_until_it_is_killed()
    {
        string directory = Environment.GetEnvironmentVariable(Variable) ?? throw new InvalidOperationException("runs only as a child of the test below");
        var store = new LocalObjectStore();
        for (int i = 0; ; i++)
        {
            byte value = (byte)(1 + (i % 200));
            byte[] content = new byte[value * 2000];
            Array.Fill(content, value);
            if (i % 3 == 0)
            {
                await store.TryCreateAsync(string.Create(CultureInfo.InvariantCulture, $"{directory}/created/{Environment.ProcessId}-{i}"), content, default);
                continue;
            }

            await using var writer = store.OpenWrite(string.Create(CultureInfo.InvariantCulture, $"{directory}/written/{i % 10}"));
            foreach (byte[] piece in content.Chunk(50_000))
            {
                await writer.WriteAsync(piece);
            }

            await writer.CompleteAsync(default);
        }
    }

    [Fact]
    [Trait("Category", "Endurance")]
    public async Task Killed_writers_leave_nothing_that_is_seen_by_halves()
    {
        int seen = 0;
        for (int round = 0; round < 3; round++)
        {
            using var child = Start();
            int before = seen;
            var patience = Stopwatch.StartNew();
            while ((seen = await CheckAsync()) < before + 8)
            {
                Assert.True(patience.Elapsed < TimeSpan.FromSeconds(60), "waited for a minute");
                Assert.False(child.HasExited, "the writer died by itself");
            }

            child.Kill();
            await child.WaitForExitAsync();
        }

        await CheckAsync();
        int left = Directory.EnumerateFiles(_directory, ".*.tmp", SearchOption.AllDirectories).Count();
        Assert.Equal(left, await _store.DeleteUnfinishedAsync(_directory + "/", DateTimeOffset.UtcNow.AddMinutes(1), default));
        Assert.Empty(Directory.EnumerateFiles(_directory, ".*.tmp", SearchOption.AllDirectories));
    }

    private async Task<int> CheckAsync()
    {
        int count = 0;
        await foreach (var one in _store.ListAsync(_directory + "/", default))
        {
            byte[] content = (await _store.ReadAsync(one.Location, default)).ToArray();
            Assert.True(content.Length > 0 && content.Length == content[0] * 2000 && content.All(value => value == content[0]), $"{one.Location} is there by halves");
            count++;
        }

        return count;
    }

    private Process Start()
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!) { RedirectStandardOutput = true, UseShellExecute = false };
        if (Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet")
        {
            start.ArgumentList.Add(typeof(LocalStoreCrashTests).Assembly.Location);
        }

        foreach (string argument in (string[])["-explicit", "only", "-method", $"{typeof(LocalStoreCrashTests).FullName}.{nameof(Child_that_writes_until_it_is_killed)}"])
        {
            start.ArgumentList.Add(argument);
        }

        start.Environment[Variable] = _directory;
        var process = Process.Start(start)!;
        process.OutputDataReceived += (_, _) => { };
        process.BeginOutputReadLine();
        return process;
    }
}
