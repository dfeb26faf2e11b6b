using System.Collections.Immutable;
using System.Runtime.CompilerServices;

namespace Orleans.Runtime
{
    public readonly struct MembershipVersion(long version) : IComparable<MembershipVersion>, IEquatable<MembershipVersion>
    {
        public static MembershipVersion MinValue => new(long.MinValue);
        public long Value { get; init; } = version;
        public int CompareTo(MembershipVersion other) => Value.CompareTo(other.Value);
        public bool Equals(MembershipVersion other) => Value == other.Value;
        public override bool Equals(object? obj) => obj is MembershipVersion other && Equals(other);
        public override int GetHashCode() => Value.GetHashCode();
        public override string ToString() => Value.ToString(System.Globalization.CultureInfo.InvariantCulture);
        public static bool operator ==(MembershipVersion left, MembershipVersion right) => left.Equals(right);
        public static bool operator !=(MembershipVersion left, MembershipVersion right) => !left.Equals(right);
    }

    public sealed class ClusterMember(SiloAddress siloAddress, SiloStatus status, string name) : IEquatable<ClusterMember>
    {
        public SiloAddress SiloAddress { get; } = siloAddress;
        public SiloStatus Status { get; } = status;
        public string Name { get; } = name;
        public bool Equals(ClusterMember? other) => other is not null && SiloAddress.Equals(other.SiloAddress) && Status == other.Status;
        public override bool Equals(object? obj) => Equals(obj as ClusterMember);
        public override int GetHashCode() => SiloAddress.GetHashCode();
        public override string ToString() => $"{SiloAddress}/{Name}/{Status}";
    }

    public sealed class ClusterMembershipSnapshot(ImmutableDictionary<SiloAddress, ClusterMember> members, MembershipVersion version)
    {
        public ImmutableDictionary<SiloAddress, ClusterMember> Members { get; } = members;
        public MembershipVersion Version { get; } = version;
        public SiloStatus GetSiloStatus(SiloAddress silo) => Members.TryGetValue(silo, out var member) ? member.Status : SiloStatus.None;
    }

    public interface IClusterMembershipService
    {
        ClusterMembershipSnapshot CurrentSnapshot { get; }
        IAsyncEnumerable<ClusterMembershipSnapshot> MembershipUpdates { get; }
        ValueTask Refresh(MembershipVersion minimumVersion = default, CancellationToken cancellationToken = default);
    }

    /// <summary>A cluster of one, in which nothing ever changes.</summary>
    internal sealed class OneMember(Silo silo) : IClusterMembershipService
    {
        public ClusterMembershipSnapshot CurrentSnapshot => new(
            ImmutableDictionary<SiloAddress, ClusterMember>.Empty.Add(silo.SiloAddress, new(silo.SiloAddress, silo.Status, silo.Name)), new(1));

        public IAsyncEnumerable<ClusterMembershipSnapshot> MembershipUpdates => Updates();

        public ValueTask Refresh(MembershipVersion minimumVersion, CancellationToken cancellationToken) => ValueTask.CompletedTask;

        private async IAsyncEnumerable<ClusterMembershipSnapshot> Updates([EnumeratorCancellation] CancellationToken cancellationToken = default)
        {
            yield return CurrentSnapshot;
            await Task.Delay(Timeout.InfiniteTimeSpan, silo.Time, cancellationToken);
        }
    }
}
