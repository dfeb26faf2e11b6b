using System.ComponentModel;
using System.Globalization;
using System.Runtime.InteropServices;

namespace OrleansLake.Benchmarks;

/// <summary>Keeps this process, its threads to come and its children on one core.</summary>
internal static partial class OneCore
{
    /// <summary>Takes the last core that the process may use, and returns its number; −1 where the system does not let one choose.</summary>
    public static unsafe int Pin()
    {
        if (!OperatingSystem.IsLinux())
        {
            return -1;
        }

        const int words = 16;
        ulong* mask = stackalloc ulong[words];
        new Span<ulong>(mask, words).Clear();
        if (GetAffinity(0, words * 8, mask) < 0)
        {
            throw new Win32Exception();
        }

        int core = -1;
        for (int i = 0; i < words * 64; i++)
        {
            core = (mask[i / 64] >> (i % 64) & 1) != 0 ? i : core;
        }

        new Span<ulong>(mask, words).Clear();
        mask[core / 64] |= 1UL << (core % 64);
        // The affinity belongs to a thread and is inherited by those that it starts: the runtime's are there already.
        foreach (string task in Directory.GetDirectories("/proc/self/task"))
        {
            int thread = int.Parse(Path.GetFileName(task), CultureInfo.InvariantCulture);
            if (SetAffinity(thread, words * 8, mask) != 0 && Directory.Exists(task))
            {
                throw new Win32Exception();
            }
        }

        return core;
    }

    [LibraryImport("libc", EntryPoint = "sched_getaffinity", SetLastError = true)]
    private static unsafe partial int GetAffinity(int thread, nuint size, ulong* mask);

    [LibraryImport("libc", EntryPoint = "sched_setaffinity", SetLastError = true)]
    private static unsafe partial int SetAffinity(int thread, nuint size, ulong* mask);
}
