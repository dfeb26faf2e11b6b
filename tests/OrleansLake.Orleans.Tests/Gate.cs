using System.Collections.Concurrent;

namespace OrleansLake.Orleans.Tests;

/// <summary>Doors that grains wait at and tests open, found by name: grains and tests share the process.</summary>
internal static class Gate
{
    private static readonly ConcurrentDictionary<string, (TaskCompletionSource Reached, TaskCompletionSource Open)> Doors = new();

    private static (TaskCompletionSource Reached, TaskCompletionSource Open) Door(string name) => Doors.GetOrAdd(name, _ =>
        (new(TaskCreationOptions.RunContinuationsAsynchronously), new(TaskCreationOptions.RunContinuationsAsynchronously)));

    /// <summary>In a grain: says that it is here and waits for the test.</summary>
    public static Task PassAsync(string name)
    {
        Door(name).Reached.TrySetResult();
        return Door(name).Open.Task.WaitAsync(TimeSpan.FromSeconds(30));
    }

    /// <summary>In a test: waits until a grain stands at the door.</summary>
    public static Task ReachedAsync(string name) => Door(name).Reached.Task.WaitAsync(TimeSpan.FromSeconds(20));

    public static bool IsReached(string name) => Door(name).Reached.Task.IsCompleted;

    public static void Open(string name) => Door(name).Open.TrySetResult();
}
