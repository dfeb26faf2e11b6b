namespace Orleans.Runtime
{
    public class OrleansException : Exception
    {
        public OrleansException() : base("Unexpected error.") { }
        public OrleansException(string message) : base(message) { }
        public OrleansException(string message, Exception innerException) : base(message, innerException) { }
    }

    public class OrleansMessageRejectionException : OrleansException
    {
        internal OrleansMessageRejectionException(string message) : base(message) { }
        internal OrleansMessageRejectionException(string message, Exception innerException) : base(message, innerException) { }
    }

    public class SiloUnavailableException : OrleansMessageRejectionException
    {
        public SiloUnavailableException() : base("Silo is not available") { }
        public SiloUnavailableException(string message) : base(message) { }
        public SiloUnavailableException(string message, Exception innerException) : base(message, innerException) { }
    }

    public class OrleansConfigurationException : Exception
    {
        public OrleansConfigurationException(string message) : base(message) { }
        public OrleansConfigurationException(string message, Exception innerException) : base(message, innerException) { }
    }
}

namespace Orleans.Serialization
{
    public class SerializerException : Exception
    {
        public SerializerException() { }
        public SerializerException(string message) : base(message) { }
        public SerializerException(string message, Exception innerException) : base(message, innerException) { }
    }

    public sealed class CodecNotFoundException(string message) : SerializerException(message);
}

namespace Orleans.Storage
{
    public class InconsistentStateException : Runtime.OrleansException
    {
        public InconsistentStateException() { }
        public InconsistentStateException(string message) : base(message) { }
        public InconsistentStateException(string message, Exception innerException) : base(message, innerException) { }
        public InconsistentStateException(string errorMsg, string? storedEtag, string? currentEtag) : base(errorMsg) =>
            (StoredEtag, CurrentEtag) = (storedEtag, currentEtag);
        public InconsistentStateException(string errorMsg, string? storedEtag, string? currentEtag, Exception storageException)
            : base(errorMsg, storageException) => (StoredEtag, CurrentEtag) = (storedEtag, currentEtag);

        public string? StoredEtag { get; }
        public string? CurrentEtag { get; }

        /// <summary>Still on its way out of the activation whose state it is about, which then deactivates.</summary>
        internal bool IsSourceActivation { get; set; } = true;

        public override string ToString() => $"{base.ToString()} StoredEtag={StoredEtag ?? "null"} CurrentEtag={CurrentEtag ?? "null"}";
    }

    public class BadProviderConfigException : Runtime.OrleansException
    {
        public BadProviderConfigException() { }
        public BadProviderConfigException(string msg) : base(msg) { }
        public BadProviderConfigException(string msg, Exception exc) : base(msg, exc) { }
    }
}
