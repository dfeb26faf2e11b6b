using System.Reflection;
using System.Runtime.CompilerServices;

namespace OrleansLake.Testing;

/// <summary>What a test of a conformance suite found wrong.</summary>
public sealed class ConformanceException(string message) : Exception(message);

/// <summary>
/// A suite whose public methods are its cases; a test project runs each by name on what it wants to know about, with
/// whatever test framework it has.
/// </summary>
public abstract class ConformanceSuite
{
    /// <summary>The names of the cases of a suite, sentences all.</summary>
    public static IEnumerable<string> CasesOf<TSuite>()
        where TSuite : ConformanceSuite => typeof(TSuite)
            .GetMethods(BindingFlags.Public | BindingFlags.Instance | BindingFlags.DeclaredOnly)
            .Where(method => method.ReturnType == typeof(Task))
            .Select(method => method.Name);

    /// <summary>Runs one case.</summary>
    public Task RunAsync(string name) => (Task)GetType().GetMethod(name)!.Invoke(this, null)!;

    protected static void Expect(bool holds, string? message = null, [CallerArgumentExpression(nameof(holds))] string expression = "")
    {
        if (!holds)
        {
            throw new ConformanceException(message is null ? expression : $"{expression}: {message}");
        }
    }

    protected static void ExpectSame<T>(T expected, T got) =>
        Expect(EqualityComparer<T>.Default.Equals(expected, got), $"expected {expected}, got {got}", "same");

    protected static async Task ExpectThrowsAsync<TException>(Func<Task> action)
        where TException : Exception
    {
        try
        {
            await action();
        }
        catch (TException)
        {
            return;
        }
        catch (Exception e)
        {
            throw new ConformanceException($"expected {typeof(TException).Name}, got {e.GetType().Name}: {e.Message}");
        }

        throw new ConformanceException($"expected {typeof(TException).Name}, got none");
    }
}
