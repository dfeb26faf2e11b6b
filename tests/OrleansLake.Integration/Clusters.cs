using System.Reflection;

namespace OrleansLake.Integration;

/// <summary>What tests of several silos share.</summary>
internal static class Clusters
{
    /// <summary>Skips the test where Orleans is a stand-in.</summary>
    public static void SkipWhereStandIn()
    {
        string version = typeof(IClusterClient).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "";
        Assert.SkipWhen(version.Contains("standin", StringComparison.Ordinal), "Orleans is a stand-in, which is no cluster");
    }
}
