namespace Orleans.Runtime;

/// <summary>The part of the original that one silo can answer. Key: 0.</summary>
public interface IManagementGrain : IGrainWithIntegerKey
{
    Task<Dictionary<SiloAddress, SiloStatus>> GetHosts(bool onlyActive = false);
    Task<int> GetTotalActivationCount();
    Task ForceActivationCollection(TimeSpan ageLimit);
    ValueTask<List<GrainId>> GetActiveGrains(GrainType type);
    Task DeactivateGrain(GrainId grainId, CancellationToken cancellationToken = default);
}
