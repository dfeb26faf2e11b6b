namespace Orleans.Runtime;

internal sealed class ManagementGrain(Silo silo) : Grain, IManagementGrain
{
    public Task<Dictionary<SiloAddress, SiloStatus>> GetHosts(bool onlyActive) =>
        Task.FromResult(new Dictionary<SiloAddress, SiloStatus> { [silo.SiloAddress] = silo.Status });

    public Task<int> GetTotalActivationCount() => Task.FromResult(silo.Activations.Count());

    public Task ForceActivationCollection(TimeSpan ageLimit) =>
        silo.CollectAsync(activation => activation.Class.KeepAlive || activation == GrainContext ? TimeSpan.MaxValue : ageLimit);

    public ValueTask<List<GrainId>> GetActiveGrains(GrainType type) =>
        ValueTask.FromResult(silo.Activations.Where(activation => activation.GrainId.Type == type).Select(activation => activation.GrainId).ToList());

    public Task DeactivateGrain(GrainId grainId, CancellationToken cancellationToken)
    {
        var found = silo.Activations.Where(activation => activation.GrainId == grainId).ToList();
        foreach (var activation in found) activation.Deactivate(new(DeactivationReasonCode.ApplicationRequested, "DeactivateGrain was called"));
        return Task.WhenAll(found.Select(activation => activation.Deactivated)).WaitAsync(cancellationToken);
    }
}
