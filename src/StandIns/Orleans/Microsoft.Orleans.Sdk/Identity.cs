using System.Globalization;
using System.Net;

namespace Orleans.Runtime;

public readonly struct IdSpan : IEquatable<IdSpan>, IComparable<IdSpan>
{
    private readonly string? text;

    private IdSpan(string text) => this.text = text;

    public bool IsDefault => string.IsNullOrEmpty(text);
    public static IdSpan Create(string id) => new(id);
    public bool Equals(IdSpan obj) => string.Equals(text ?? "", obj.text ?? "", StringComparison.Ordinal);
    public override bool Equals(object? obj) => obj is IdSpan other && Equals(other);
    public override int GetHashCode() => unchecked((int)GetUniformHashCode());
    public int CompareTo(IdSpan other) => string.CompareOrdinal(text ?? "", other.text ?? "");
    public override string ToString() => text ?? "";

    /// <summary>The same in every process, unlike <see cref="string.GetHashCode()"/>.</summary>
    public uint GetUniformHashCode()
    {
        uint hash = 2166136261;
        foreach (char letter in text ?? "")
            hash = unchecked((hash ^ letter) * 16777619);
        return hash;
    }

    public static bool operator ==(IdSpan left, IdSpan right) => left.Equals(right);
    public static bool operator !=(IdSpan left, IdSpan right) => !left.Equals(right);
}

public readonly struct GrainType(IdSpan id) : IEquatable<GrainType>, IComparable<GrainType>
{
    public IdSpan Value { get; } = id;
    public bool IsDefault => Value.IsDefault;
    public static GrainType Create(string value) => new(IdSpan.Create(value));
    public bool Equals(GrainType obj) => Value.Equals(obj.Value);
    public override bool Equals(object? obj) => obj is GrainType other && Equals(other);
    public override int GetHashCode() => Value.GetHashCode();
    public uint GetUniformHashCode() => Value.GetUniformHashCode();
    public int CompareTo(GrainType other) => Value.CompareTo(other.Value);
    public override string ToString() => Value.ToString();
    public static bool operator ==(GrainType left, GrainType right) => left.Equals(right);
    public static bool operator !=(GrainType left, GrainType right) => !left.Equals(right);
}

public readonly struct GrainInterfaceType(IdSpan value) : IEquatable<GrainInterfaceType>
{
    public GrainInterfaceType(string value) : this(IdSpan.Create(value)) { }
    public IdSpan Value { get; } = value;
    public bool IsDefault => Value.IsDefault;
    public static GrainInterfaceType Create(string value) => new(value);
    public bool Equals(GrainInterfaceType other) => Value.Equals(other.Value);
    public override bool Equals(object? obj) => obj is GrainInterfaceType other && Equals(other);
    public override int GetHashCode() => Value.GetHashCode();
    public override string ToString() => Value.ToString();
    public static bool operator ==(GrainInterfaceType left, GrainInterfaceType right) => left.Equals(right);
    public static bool operator !=(GrainInterfaceType left, GrainInterfaceType right) => !left.Equals(right);
}

public readonly struct GrainId(GrainType type, IdSpan key) : IEquatable<GrainId>, IComparable<GrainId>
{
    public GrainType Type { get; } = type;
    public IdSpan Key { get; } = key;
    public bool IsDefault => Type.IsDefault && Key.IsDefault;

    public static GrainId Create(string type, string key) => Create(GrainType.Create(type), key);
    public static GrainId Create(GrainType type, string key) => Create(type, IdSpan.Create(key));
    public static GrainId Create(GrainType type, IdSpan key) => new(type, key);

    public static GrainId Parse(string value) =>
        TryParse(value, out var result) ? result : throw new FormatException($"Unable to parse \"{value}\" as a grain id");

    public static bool TryParse(string? value, out GrainId result)
    {
        int slash = value?.IndexOf('/') ?? -1;
        result = slash > 0 ? Create(value![..slash], value[(slash + 1)..]) : default;
        return slash > 0;
    }

    public bool Equals(GrainId other) => Type.Equals(other.Type) && Key.Equals(other.Key);
    public override bool Equals(object? obj) => obj is GrainId other && Equals(other);
    public override int GetHashCode() => HashCode.Combine(Type, Key);
    public uint GetUniformHashCode() => unchecked((Type.GetUniformHashCode() * 31) + Key.GetUniformHashCode());

    public int CompareTo(GrainId other)
    {
        int byType = Type.CompareTo(other.Type);
        return byType != 0 ? byType : Key.CompareTo(other.Key);
    }

    public override string ToString() => $"{Type}/{Key}";
    public static bool operator ==(GrainId left, GrainId right) => left.Equals(right);
    public static bool operator !=(GrainId left, GrainId right) => !left.Equals(right);
}

/// <summary>Keys as the original writes them: integers in hexadecimal, GUIDs without dashes, extensions after a plus.</summary>
internal static class GrainKey
{
    public static IdSpan Create(long key) => IdSpan.Create(key.ToString("X", CultureInfo.InvariantCulture));
    public static IdSpan Create(Guid key) => IdSpan.Create(key.ToString("N"));
    public static IdSpan Create(long key, string? extension) => Compound(Create(key), extension);
    public static IdSpan Create(Guid key, string? extension) => Compound(Create(key), extension);

    private static IdSpan Compound(IdSpan key, string? extension) => extension is null ? key : IdSpan.Create($"{key}+{extension}");

    public static (string Key, string? Extension) Split(IdSpan key)
    {
        string text = key.ToString();
        int plus = text.IndexOf('+');
        return plus < 0 ? (text, null) : (text[..plus], text[(plus + 1)..]);
    }
}

public readonly struct ActivationId(Guid key) : IEquatable<ActivationId>
{
    private readonly Guid value = key;

    public bool IsDefault => value == Guid.Empty;
    public static ActivationId NewId() => new(Guid.NewGuid());
    public bool Equals(ActivationId other) => value == other.value;
    public override bool Equals(object? obj) => obj is ActivationId other && Equals(other);
    public override int GetHashCode() => value.GetHashCode();
    public override string ToString() => "@" + value.ToString("N");
    public static bool operator ==(ActivationId left, ActivationId right) => left.Equals(right);
    public static bool operator !=(ActivationId left, ActivationId right) => !left.Equals(right);
}

public sealed class SiloAddress : IEquatable<SiloAddress>, IComparable<SiloAddress>
{
    private SiloAddress(IPEndPoint endpoint, int generation) => (Endpoint, Generation) = (endpoint, generation);

    public IPEndPoint Endpoint { get; }
    public int Generation { get; }
    public bool IsClient => Generation < 0;
    public static SiloAddress Zero { get; } = New(new IPEndPoint(0, 0), 0);
    public static SiloAddress New(IPEndPoint ep, int gen) => new(ep, gen);
    public static SiloAddress New(IPAddress address, int port, int generation) => new(new IPEndPoint(address, port), generation);

    public string ToParsableString() => $"{Endpoint.Address}:{Endpoint.Port}@{Generation}";
    public static SiloAddress FromParsableString(string addr)
    {
        int at = addr.LastIndexOf('@');
        return New(IPEndPoint.Parse(addr[..at]), int.Parse(addr[(at + 1)..], CultureInfo.InvariantCulture));
    }

    public bool Equals(SiloAddress? other) => other is not null && Generation == other.Generation && Endpoint.Equals(other.Endpoint);
    public override bool Equals(object? obj) => Equals(obj as SiloAddress);
    public override int GetHashCode() => HashCode.Combine(Endpoint, Generation);
    public int GetConsistentHashCode() => unchecked((int)IdSpan.Create(ToParsableString()).GetUniformHashCode());
    public int CompareTo(SiloAddress? other) => other is null ? 1 : string.CompareOrdinal(ToParsableString(), other.ToParsableString());
    public override string ToString() => $"S{Endpoint}:{Generation}";
}

public enum SiloStatus { None, Created, Joining, Active, ShuttingDown, Stopping, Dead }

public interface ILocalSiloDetails
{
    string Name { get; }
    string ClusterId { get; }
    string DnsHostName { get; }
    SiloAddress SiloAddress { get; }
    SiloAddress GatewayAddress { get; }
}
