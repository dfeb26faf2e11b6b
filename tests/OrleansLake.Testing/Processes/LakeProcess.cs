using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;

namespace OrleansLake.Testing.Processes;

/// <summary>A program of this repository in a process of its own, which tests may signal.</summary>
public sealed partial class LakeProcess : IAsyncDisposable
{
    private const int SigKill = 9;
    private const int SigTerm = 15;
    private const int SigCont = 18;
    private const int SigStop = 19;

    private readonly Process _process;
    private readonly TaskCompletionSource _exited = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly StringBuilder _output = new();
    private readonly StringBuilder _errors = new();

    /// <summary>Starts a command.</summary>
    public LakeProcess(string command, IReadOnlyList<string> arguments, IReadOnlyDictionary<string, string>? environment = null)
    {
        var start = new ProcessStartInfo(command, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach ((string name, string value) in environment ?? new Dictionary<string, string>())
        {
            start.Environment[name] = value;
        }

        _process = new Process { StartInfo = start, EnableRaisingEvents = true };
        _process.Exited += (_, _) => _exited.TrySetResult();
        _process.OutputDataReceived += (_, line) => Add(_output, line.Data);
        _process.ErrorDataReceived += (_, line) => Add(_errors, line.Data);
        _process.Start();
        Id = _process.Id;
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    /// <summary>Starts an assembly with arguments.</summary>
    public static LakeProcess OfAssembly(string assembly, params IEnumerable<string> arguments) => new("dotnet", ["exec", assembly, .. arguments]);

    /// <summary>The process id.</summary>
    public int Id { get; }

    /// <summary>Whether it has ended.</summary>
    public bool HasExited => _exited.Task.IsCompleted;

    /// <summary>What it wrote so far.</summary>
    public string Output => Text(_output);

    /// <summary>What it wrote to standard error so far.</summary>
    public string Errors => Text(_errors);

    /// <summary>User and system time that it used, in seconds.</summary>
    public double CpuSeconds
    {
        get
        {
            // proc(5): utime and stime are the 12th and 13th fields behind the command's closing parenthesis.
            string stat = File.ReadAllText($"/proc/{Id}/stat");
            string[] fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
            return (long.Parse(fields[11], CultureInfo.InvariantCulture) + long.Parse(fields[12], CultureInfo.InvariantCulture)) / 100.0;
        }
    }

    /// <summary>User and system time of each thread that lives, in seconds, added up by name.</summary>
    public IReadOnlyDictionary<string, double> CpuSecondsByThread
    {
        get
        {
            var byName = new SortedDictionary<string, double>(StringComparer.Ordinal);
            foreach (string task in Directory.GetDirectories($"/proc/{Id}/task"))
            {
                try
                {
                    // proc(5): the first field of schedstat is the time spent on a CPU, in nanoseconds.
                    string spent = File.ReadAllText(Path.Combine(task, "schedstat"));
                    string name = File.ReadAllText(Path.Combine(task, "comm")).TrimEnd();
                    byName[name] = byName.GetValueOrDefault(name) + (long.Parse(spent.AsSpan(0, spent.IndexOf(' ')), CultureInfo.InvariantCulture) / 1e9);
                }
                catch (IOException) when (!Directory.Exists(task))
                {
                    // It has ended.
                }
            }

            return byName;
        }
    }

    /// <summary>Resident memory now.</summary>
    public long ResidentBytes => StatusBytes("VmRSS:");

    /// <summary>The most resident memory it ever had.</summary>
    public long PeakResidentBytes => StatusBytes("VmHWM:");

    /// <summary>Ends it as a power cut would, and waits for the end.</summary>
    public async Task KillAsync()
    {
        Signal(SigKill);
        await _process.WaitForExitAsync();
        _exited.TrySetResult();
    }

    /// <summary>Freezes it.</summary>
    public void Freeze() => Signal(SigStop);

    /// <summary>Lets it go on.</summary>
    public void Thaw() => Signal(SigCont);

    /// <summary>Asks it to end, and waits; its exit code.</summary>
    /// <exception cref="TimeoutException">It did not end in time.</exception>
    public Task<int> TerminateAsync(TimeSpan limit)
    {
        Signal(SigTerm);
        return WaitAsync(limit);
    }

    /// <summary>Waits for its end; its exit code.</summary>
    /// <exception cref="TimeoutException">It did not end in time.</exception>
    public async Task<int> WaitAsync(TimeSpan limit)
    {
        using var source = new CancellationTokenSource(limit);
        try
        {
            await _process.WaitForExitAsync(source.Token);
        }
        catch (OperationCanceledException)
        {
            throw new TimeoutException($"process {Id} did not end within {limit}; its output: {Output}{Errors}");
        }

        return _process.ExitCode;
    }

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        if (!HasExited)
        {
            await KillAsync();
        }

        _process.Dispose();
    }

    private void Signal(int signal)
    {
        if (Kill(Id, signal) != 0 && !HasExited)
        {
            throw new InvalidOperationException($"kill({Id}, {signal}): errno {Marshal.GetLastPInvokeError()}");
        }
    }

    private long StatusBytes(string name)
    {
        foreach (string line in File.ReadLines($"/proc/{Id}/status"))
        {
            if (line.StartsWith(name, StringComparison.Ordinal))
            {
                return 1024 * long.Parse(line[name.Length..^2].Trim(), CultureInfo.InvariantCulture);
            }
        }

        throw new InvalidDataException($"/proc/{Id}/status: expected {name}");
    }

    private static void Add(StringBuilder text, string? line)
    {
        if (line is not null)
        {
            lock (text)
            {
                text.AppendLine(line);
            }
        }
    }

    private static string Text(StringBuilder text)
    {
        lock (text)
        {
            return text.ToString();
        }
    }

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int Kill(int pid, int signal);
}
